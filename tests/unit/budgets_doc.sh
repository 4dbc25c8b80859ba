#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# budgets_doc.sh - the budgets in docs/security.md are those of the code, and each names a test that there is
set -eu
cd "${0%/*}/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n 's/^| .* | \([0-9]*\) | `\([A-Z_]*\)` of `\([^`]*\)` | `\([^`]*\)` |$/\1 \2 \3 \4/p' docs/security.md >"$work/rows"
while read -r value name file test; do
	grep -qE "^#define $name $value( |\$)" "$file" || echo "$name is not $value in $file"
	[ -f "$test" ] || echo "there is no $test"
done <"$work/rows" >"$work/wrong"
if [ ! -s "$work/wrong" ]; then echo "ok 1 - budgets of docs/security.md"; else
	echo "not ok 1 - budgets of docs/security.md"
	sed 's/^/#   /' "$work/wrong"
fi
if [ "$(wc -l <"$work/rows")" -ge 16 ]; then echo "ok 2 - all rows were read"; else echo "not ok 2 - $(wc -l <"$work/rows") rows were read"; fi
