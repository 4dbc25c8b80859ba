#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# readme_options.sh BUILD - the options and defaults that README.md names are those of --help
set -u
program=$1/cmd/rootless-supervisor/rootless-supervisor
cd "${0%/*}/../.." || exit
help=$(mktemp)
trap 'rm -f "$help"' EXIT
# an option a line, with what is said about it
"$program" --help | awk '/^  -|^      -/ { printf "\n" } { printf "%s ", $0 } END { printf "\n" }' | tr -s ' ' >"$help"
n=0
# check DESCRIPTION COMMAND...
check() {
	n=$((n + 1)) what=$1
	shift
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}
has_option() { grep -qE -- "^ (-., )?$1[=[ ]" "$help"; }
has_default() { grep -E -- "^ (-., )?$1[=[ ]" "$help" | grep -qE -- "\(default: \"?$2\"?\)"; }

# words of all lines but those that are another program's
names() { grep -vE '^(docker|rootless-supervisor check|rootlessctl|nsenter|meson|\./dev|sysctl)' README.md | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u; }
while read -r option; do
	case $option in
	--help | --version) continue ;;
	--socket | --follow) continue ;; # rootlessctl's
	--experimental | --ip6tables | --fixed-cidr-v6) continue ;; # dockerd's
	esac
	check "README names $option, --help has it" has_option "$option"
done <<EOT
$(names)
EOT
# rows of the table of options: | `--a=X`, `--b` | default of a, of b (or one for all) | ...; those that are said in words are left out
defaults() {
	sed -n '/^## Options/,/^## /p' README.md | awk -F ' [|] ' '/^[|] `-/ {
		gsub(/`/, "")
		options = split(substr($1, 3), option, ", ")
		values = split($2, value, ", ")
		for (i = 1; i <= options && (values == 1 || values == options); i++) {
			sub(/=.*/, "", option[i])
			print option[i], value[values == 1 ? 1 : i]
		}
	}' | sed -n 's/ off$/ false/; s/ on$/ true/; s/ closed$/ true/; /--mtu/d; /^[^ ]* [^ ][^ ]*$/p'
}
while read -r option default; do
	check "README says that $option is $default by default, as --help" has_default "$option" "$default"
done <<EOT
$(defaults)
EOT
[ $n -gt 30 ] || echo "not ok $((n + 1)) - only $n options were found in README.md"
