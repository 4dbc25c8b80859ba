#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hardening.sh BUILD - the hardening, read back from the programs (plain build)
set -u
cd "${0%/*}/../.." || exit
n=0
check() { # DESCRIPTION COMMAND
	n=$((n + 1))
	if sh -c "$2" >/dev/null 2>&1; then echo "ok $n - $1"; else echo "not ok $n - $1: $2"; fi
}
for program in rootless-supervisor rootlessctl rootlesskit-docker-proxy; do
	file=$1/cmd/$program/$program
	[ -e "$file" ] || continue
	check "$program: position independent" "readelf -h $file | grep -q 'Type: *DYN'"
	check "$program: really an executable (PIE flag)" "readelf -d $file | grep -q 'FLAGS_1.*PIE'"
	check "$program: relocations are read-only" "readelf -lW $file | grep -q GNU_RELRO"
	check "$program: all symbols are bound at start" "readelf -d $file | grep -qE 'BIND_NOW|FLAGS.* NOW'"
	check "$program: the stack is not executable" "readelf -lW $file | grep 'GNU_STACK' | grep -qv E"
	check "$program: no writable and executable segment" "! readelf -lW $file | grep -q 'LOAD.* RWE '"
	check "$program: stack protector" "readelf --dyn-syms -W $file | grep -q __stack_chk_fail"
	check "$program: fortified" "readelf --dyn-syms -W $file | grep -q '_chk@GLIBC'"
	check "$program: no search path of libraries" "! readelf -d $file | grep -qE 'RPATH|RUNPATH'"
	# not the program's note: Debian's start files have none
	[ "$(uname -m)" != x86_64 ] || check "$program: targets of indirect jumps are marked" "objdump -d --disassemble=main $file | grep -q endbr64"
done
[ $n -gt 0 ] || echo "not ok 1 - no program is built in $1"
