#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs_options.sh BUILD - each option of each program is in its --help, its man page and the completions, which work
set -u
cd "${0%/*}/../.." || exit
build=$1
docs=$build/cmd/make_docs
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
check() { # DESCRIPTION COMMAND...
	n=$((n + 1)) what=$1
	shift
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}
program() { echo "$build/cmd/$1/$1"; }
ln -s "$(realpath "$(program rootless-supervisor)")" "$tmp/rootlesskit"

# help_of WHO: what the program itself says
help_of() {
	case $1 in
	check) "$(program rootless-supervisor)" check --help ;;
	rootlesskit) "$tmp/rootlesskit" --help ;;
	'rootlessctl '*) "$(program rootlessctl)" "${1#* }" --help ;;
	*) "$(program "$1")" --help ;;
	esac
}
page_of() {
	case $1 in
	rootlesskit | check) echo "$docs/rootless-supervisor.1" ;;
	*) echo "$docs/${1%% *}.1" ;;
	esac
}
# missing WHO: the options that are not everywhere, and where
missing() {
	help_of "$1" >"$tmp/help"
	sed 's/\\-/-/g; s/\\f[BR]//g' "$(page_of "$1")" >"$tmp/page"
	[ "$1" != check ] || sed -n '/^.SH CHECK/,/^.SH DIFF/p' "$tmp/page" >"$tmp/page.part"
	case $1 in
	check) mv "$tmp/page.part" "$tmp/page" ;;
	'rootlessctl '*) sed -n "/^.SS ${1#* }\$/,/^.S/p" "$tmp/page" >"$tmp/part" && mv "$tmp/part" "$tmp/page" ;;
	esac
	sed -n "s/^\\t'$1') echo '\\(.*\\)' ;;/\\1/p" "$docs/rootless-supervisor" | tr ' ' '\n' >"$tmp/bash"
	"$docs/make_docs" names "$1" | while read -r name; do
		case "$1 $name" in
		'rootlessctl list-ports stats' | 'rootlessctl remove-ports drain' | 'rootlessctl add-ports udp-idle') ;; # these are RootlessKit's to the letter
		*) grep -qE -- "(^| )--?$name(,|=| |\[|\$)" "$tmp/help" || echo "--$name: --help" ;;
		esac
		grep -qE -- "^(-., )?--$name(=|\$)" "$tmp/page" || echo "--$name: man page"
		grep -qE -- "^--$name=?\$" "$tmp/bash" || echo "--$name: bash"
		grep -qE -- "'[*]?--$name=?\\[" "$docs/_rootless-supervisor" || echo "--$name: zsh"
		grep -qE -- " -l $name " "$docs/rootless-supervisor.fish" || echo "--$name: fish"
	done
}
everywhere() {
	missing "$1" >"$tmp/missing"
	sed 's/^/# /' "$tmp/missing"
	[ ! -s "$tmp/missing" ]
}
for who in rootless-supervisor rootlesskit check rootlessctl rootlesskit-docker-proxy; do
	check "$who: options are told everywhere" everywhere $who
done
for name in $("$docs/make_docs" commands); do
	check "rootlessctl --help names $name" sh -c "'$(program rootlessctl)' --help | grep -q '^   $name '"
	check "rootlessctl $name: options are told everywhere" everywhere "rootlessctl $name"
done
# man pages say nothing of options that are not there
strangers() {
	sed 's/\\-/-/g; s/\\fB//g' "$docs/rootless-supervisor.1" | sed -n '/^.SH OPTIONS/,/^.SH DIFF/s/^.*--\([a-z0-9-]*\)\\fR.*/\1/p' | sort -u >"$tmp/told"
	{ "$docs/make_docs" names rootless-supervisor; "$docs/make_docs" names check; } | sort -u | comm -13 - "$tmp/told" | grep . && return 1
	[ -s "$tmp/told" ]
}
check "the man page has no other option" strangers

# completed WORD...: what bash offers for the last word
completed() {
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		case $1 in rootlessctl) _rootlessctl ;; *) _rootless_supervisor ;; esac
		echo "${COMPREPLY[*]}"' bash "$docs/rootless-supervisor" "$@"
}
offers() { # WANTED WORD...
	wanted=$1
	shift
	got=$(completed "$@")
	[ "$got" = "$wanted" ] || { echo "# got: $got"; false; }
}
check "bash: an option" offers "--net=" rootless-supervisor --ne
check "bash: its value behind =" offers "off" rootless-supervisor --accel = of
check "bash: its value as a word" offers "redirect" rootless-supervisor --accel red
check "bash: what follows -p is not the command" offers "--pidns" rootless-supervisor -p :1:1/tcp --pidn
check "bash: the check's" offers "--fix-script" rootless-supervisor check --fi
check "bash: a preset" offers "docker" rootless-supervisor check --preset = dock
check "bash: rootlesskit has no --ready-fd" offers "" rootlesskit --ready-f
check "bash: a command" offers "remove-ports" rootlessctl --socket = /x remo
check "bash: its options" offers "--stats" rootlessctl --socket = /x list-ports --st
if command -v zsh >/dev/null; then
	check "zsh reads its file" zsh -n "$docs/_rootless-supervisor"
fi
if command -v fish >/dev/null; then
	check "fish reads its file" fish --no-execute "$docs/rootless-supervisor.fish"
fi

# what a slip of the pen gets
says() { # WANTED COMMAND...
	wanted=$1
	shift
	"$@" 2>&1 | grep -qxF -- "$wanted"
}
check "a slip of an option" says "did you mean --publish?" "$(program rootless-supervisor)" --pubish=80:80/tcp true
check "two letters in the wrong order" says "did you mean --net?" "$(program rootless-supervisor)" --nte=none true
check "a slip of the check's" says "did you mean --strict?" "$(program rootless-supervisor)" check --stric
check "a slip of a command" says "did you mean 'list-ports'?" "$(program rootlessctl)" list-port
check "what is like nothing gets no advice" sh -c "! '$(program rootless-supervisor)' --qqqqqq true 2>&1 | grep -q 'did you mean'"
check "rootlesskit's words stay as they are" sh -c "! '$tmp/rootlesskit' --nte=none true 2>&1 | grep -q 'did you mean'"
check "rootlesskit-docker-proxy --help succeeds" sh -c "'$(program rootlesskit-docker-proxy)' --help >/dev/null"
