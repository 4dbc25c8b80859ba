#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint.sh - one static check of the whole tree: lint.sh format|tidy|cppcheck|shell [BUILD]
#
# clang-tidy: .clang-tidy has the list of checks and why some are off. cppcheck's suppressions are
# in tests/cppcheck.supp, a reason above each. Everything that is printed is an error.
set -u
cd "${0%/*}/.." || exit
build=${2:-build}
jobs=$(nproc)
# not by git: a clone may belong to somebody else
files() { find . -path './build*' -prune -o -path ./.git -prune -o -type f "$@" -print | sed 's#^\./##' | sort; }
sources() { files -name '*.c'; }
scripts() {
	files -name '*.sh'
	echo dev
	echo .ci/run
}

check() {
	case $1 in
	format) files -name "*.[ch]" | xargs clang-format --dry-run -Werror ;;
	tidy)
		# files that no target compiles (built with other options) are not in the data base
		known=$(mktemp)
		trap 'rm -f "$known"' EXIT
		sed -n 's/^ *"file": "\(.*\)",*$/\1/p' "$build/compile_commands.json" |
			(cd "$build" && xargs realpath --relative-to="$OLDPWD") | sort -u >"$known"
		sources | grep -xFf "$known" | xargs -n 2 -P "$jobs" clang-tidy --quiet -p "$build" \
			--extra-arg=-Wno-unknown-warning-option --extra-arg=-ftrivial-auto-var-init=uninitialized 2>/dev/null
		;;
	cppcheck)
		sources | cppcheck --quiet --error-exitcode=1 --inline-suppr -j "$jobs" --file-list=- \
			--enable=warning,performance,portability --std=c11 -I . -D_GNU_SOURCE \
			'-DRK_VERSION="0"' --suppressions-list=tests/cppcheck.supp
		;;
	# -x -P: follow lib.sh from where the test lies
	shell) scripts | xargs shellcheck --shell=sh -x -P SCRIPTDIR:tests/integration ;;
	*)
		echo "usage: lint.sh format|tidy|cppcheck|shell [BUILD]" >&2
		exit 2
		;;
	esac
}

said=$(check "$1" 2>&1)
rc=$?
[ -z "$said" ] || printf '%s\n' "$said" | sed 's/^/# /' # no line of a finding is taken for TAP
exit $rc
