#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compat_doc.sh BUILD - docs/compatibility.md has every flag of both command lines, names none besides, and only tests that there are
set -u
program=$(realpath "$1")/cmd/rootless-supervisor/rootless-supervisor
cd "${0%/*}/../.." || exit
doc=docs/compatibility.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$program" "$work/rootlesskit"
n=0
# check DESCRIPTION COMMAND...
check() {
	n=$((n + 1)) what=$1
	shift
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}
flags() { "$1" --help | grep -oE '^ +(-[a-z], )?--[a-z0-9-]+' | grep -oE -- '--.*' | sort -u; }
flags "$program" >"$work/ours"
flags "$work/rootlesskit" >"$work/theirs"
sed -n '/^## Flags/,/^## /p' "$doc" | grep '^| `' >"$work/rows"
# of a row: each flag, and the names under which it is there
awk -F ' *[|] *' '{ flags = $2; while (match(flags, /--[a-z0-9-]+/)) { print substr(flags, RSTART, RLENGTH), $4; flags = substr(flags, RSTART + RLENGTH) } }' \
	"$work/rows" | sort >"$work/said"
while read -r flag; do
	if grep -qx -- "$flag" "$work/theirs"; then names=both; else names=rs; fi
	check "$flag is there, for $names" grep -qx -- "$flag $names" "$work/said"
done <"$work/ours"
check "no flag is another one's" [ "$(cut -d' ' -f1 "$work/said" | grep -vx -- --state | grep -vxFf "$work/ours")" = "" ]
check "every flag of rootlesskit is one of ours" [ "$(grep -vxFf "$work/ours" "$work/theirs")" = "" ]
tests_of() { grep -oE '`[a-z/_0-9]+\.(sh|c)`' "$doc" | tr -d '`' | sort -u; }
for file in $(tests_of); do
	check "$file exists" [ -n "$(find tests -path "*/${file##tests/}")" ]
done
check "enough was looked at" [ $n -gt 40 ]
