#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# doc_links.sh - what a document links to is there, and docs/README.md leads to every document
set -u
cd "${0%/*}/../.." || exit
n=0
# none DESCRIPTION LINES: there must be none
none() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$2" | sed 's/^/#   /'
	fi
}
dead_links() {
	for doc in *.md docs/*.md; do
		grep -oE '\]\([^)]+\)' "$doc" | sed 's/^](//; s/)$//' | grep -vE '^(https?:|mailto:)' | sort -u | while read -r link; do
			file=${link%%#*}
			path=$doc
			[ -z "$file" ] || path=$(dirname "$doc")/$file
			[ -e "$path" ] || echo "$doc: $link"
			case $link in
			*#*)
				id=${link#*#}
				grep -qF "<a id=\"$id\">" "$path" || sed -n 's/^##* //p' "$path" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9\n_-' | grep -qx -- "$id" || echo "$doc: $link"
				;;
			esac
		done
	done
}
none "every link leads somewhere" "$(dead_links)"
none "docs/README.md names every document" "$(for doc in docs/*; do
	name=${doc##*/}
	[ "$name" = README.md ] || grep -qF "($name)" docs/README.md || echo "$name"
done)"
