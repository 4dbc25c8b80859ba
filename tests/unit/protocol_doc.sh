#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# protocol_doc.sh BUILD [--write] - docs/protocol.md has the tables of lib/ipc/*.h; or rewrite them
set -eu
cd "${0%/*}/../.."
doc=docs/protocol.md
begin='<!-- tables: ./dev docs -->'
new=$(mktemp)
trap 'rm -f "$new"' EXIT
{
	sed "\\#^$begin\$#q" $doc
	"$1/tests/unit/print_protocol"
} >"$new"
if [ "${2-}" = --write ]; then
	cat "$new" >$doc
	exit 0
fi
if diff -u $doc "$new"; then
	echo "ok 1 - docs/protocol.md has the tables of lib/ipc"
else
	echo "not ok 1 - docs/protocol.md has the tables of lib/ipc: ./dev docs rewrites them"
fi
