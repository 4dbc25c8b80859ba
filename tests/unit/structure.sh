#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# structure.sh - what the tree promises: include arrows, sizes, file heads, no misplaced code
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
sources() { find cmd lib netdrivers portdrivers tests -name '*.[ch]' | sort; }

# includes DIR: FILE:INCLUDED of all our includes below DIR
includes() { grep -rHo --include='*.[ch]' '^#include "[^"]*"' "$1" | sed 's/:#include "/:/; s/"$//'; }
# only DIR ALLOWED: includes of DIR that go elsewhere than to the extended regular expression
only() { includes "$1" | grep -vE ":($2)" || true; }

interfaces='netdrivers/netdriver\.h$|portdrivers/portdriver\.h$'
none "lib/base includes only itself" "$(only lib/base 'lib/base/')"
none "lib/cause includes only lib/base and itself" "$(only lib/cause 'lib/(base|cause)/')"
none "lib/policy includes only lib/base, the plan's addresses and itself" \
	"$(only lib/policy 'lib/(base|policy)/|lib/ipc/netplan\.h$')"
none "lib/ipc includes only lib/base and itself" "$(only lib/ipc 'lib/(base|ipc)/')"
for dir in lib/*/; do
	dir=${dir%/}
	case $dir in lib/base | lib/cause | lib/policy | lib/ipc) continue ;; esac
	also=$interfaces
	[ "$dir" != lib/child ] || also="$also|lib/nsagent/nsagent\.h$" # agents are forks of the child
	# the check does what the roles do, by their own code
	[ "$dir" != lib/check ] || also="$also|lib/(parent|nsagent)/|lib/slirp/library\.h$"
	none "$dir includes base, cause, policy, ipc, sandbox, itself and driver interfaces" \
		"$(only "$dir" "lib/(base|cause|policy|ipc|sandbox)/|$dir/|$also")"
done
for dir in netdrivers portdrivers; do
	none "$dir includes lib and itself" "$(only "$dir" "lib/|$dir/|$interfaces")"
done
none "nothing but tests includes cmd or tests" \
	"$({ includes lib; includes netdrivers; includes portdrivers; includes cmd; } | grep -E ':tests/' ; { includes lib; includes netdrivers; includes portdrivers; } | grep ':cmd/')"
none "includes name the path from the root" "$({ includes lib; includes netdrivers; includes portdrivers; } | grep -v ':.*/')"

none "no file has more than 500 lines, no test more than 700" "$(sources | xargs wc -l |
	awk '$2 != "total" && $1 > ($2 ~ /^tests/ ? 700 : 500) { print $2 ": " $1 }')"
none "each file starts with its licence" "$(sources | while read -r f; do
	head -n 1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$f"; done)"
none "each file says what it is" "$(sources | while read -r f; do
	head -n 4 "$f" | grep -qE "^(/\*| \*) (cmd_)?${f##*/} - " || echo "$f"; done)"
none "headers have a guard" "$(sources | grep '\.h$' | while read -r f; do
	grep -q '^#ifndef RK_' "$f" || echo "$f"; done)"
none "no util, misc or common" "$(sources | grep -E '/(util|misc|common)s?\.[ch]$')"
none "no wrapper of the fault injector outside lib/fault" "$(grep -rlE '__(wrap|real)_' cmd lib netdrivers portdrivers | grep -v ^lib/fault/)"
none "no mark of unfinished work" "$(sources | xargs grep -nE '\b(TODO|FIXME|XXX)\b')"
none "no exit() below main" "$(grep -rnE '(^|[^_a-z])exit\(' --include='*.c' lib netdrivers portdrivers)"
none "descriptors are close-on-exec from birth" "$(grep -rnE '(^|[^_a-z0-9])(accept|pipe|dup|creat|epoll_create|inotify_init)\(' --include='*.c' cmd lib netdrivers portdrivers)"
