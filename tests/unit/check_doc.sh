#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_doc.sh BUILD - docs/check.md has a row and an anchor for each cause, with its level
set -eu
program=$1/cmd/rootless-supervisor/rootless-supervisor
cd "${0%/*}/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" check --list | sed -n 's/^\([A-Z][A-Z0-9_]*\)  *\([a-z]*\)  .*/\1 \2/p' | sort >"$work/table"
sed -n 's/^| <a id="\([A-Z0-9_]*\)"><\/a>\1 | \([a-z]*\) | .* | .* | .* | \(run\|effect\|shown\|by hand\) |$/\1 \2/p' docs/check.md | sort >"$work/doc"
if diff -u "$work/doc" "$work/table" >"$work/diff"; then
	echo "ok 1 - docs/check.md has a row for each cause"
else
	echo "not ok 1 - docs/check.md has a row for each cause"
	sed 's/^/#   /' "$work/diff"
fi
if [ "$(wc -l <"$work/table")" -gt 50 ]; then echo "ok 2 - there are many"; else echo "not ok 2 - --list has few lines"; fi
cut -d ' ' -f 1 "$work/table" | while read -r id; do
	grep -qF "<a id=\"$id\"></a>[$id](check.md#$id)" docs/troubleshooting.md || echo "$id"
done >"$work/missing"
if [ ! -s "$work/missing" ]; then echo "ok 3 - docs/troubleshooting.md leads to each"; else echo "not ok 3 - docs/troubleshooting.md leads to each: $(tr '\n' ' ' <"$work/missing")"; fi
