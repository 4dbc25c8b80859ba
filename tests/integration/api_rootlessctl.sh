# SPDX-License-Identifier: Apache-2.0
# api_rootlessctl.sh - rootlessctl, its --json, and Debian's rootlessctl: the same words from both
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3 file:/usr/bin/rootlessctl
THEIRS=/usr/bin/rootlessctl
SPECS='127.0.0.1:8080:80/tcp 0.0.0.0:8081:81/tcp4 [::1]:8082:82/tcp6 127.0.0.1:8083:10.0.2.100:83/tcp'

# said PROGRAM ARG...: what it says and its status
said() { as_user "$@" >"$T/ctl.out" 2>"$T/ctl.err" && rk_rc=0 || rk_rc=$?; cat "$T/ctl.out" "$T/ctl.err"; echo "[$rk_rc]"; }
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
theirs() { as_user $THEIRS --socket "$STATE/api.sock" "$@"; }
# the library of 2.0 lays the help of a command out in another way: what is about the word alone
case $($THEIRS --version) in
*" version 1."*) layout() { cat; } ;;
*) layout() { sed -E '/^(USAGE|COMMANDS):$/,/^$/d; /^OPTIONS:$/d; s/^( *--help, -h  show help).*/\1/; /^ *$/d'; } ;;
esac
# same ARG...: both say the same
same() {
	said rootlessctl --socket "$STATE/api.sock" "$@" | layout >"$T/same.ours"
	is "like Debian's: $*" "$(cat "$T/same.ours")" "$(said $THEIRS --socket "$STATE/api.sock" "$@" | layout)"
}
# fields OF: python's word on each line of JSON
fields() { python3 -c 'import json, sys
for line in sys.stdin:
    j = json.loads(line)
    print(eval(sys.argv[1], {"j": j, "s": j.get("spec")}))' "$1" | tr '\n' ' '; }

rk_start --net=slirp -- sleep 1000 || exit
same list-ports
same list-ports --json
is "nothing is published: no line of JSON" "$(ctl list-ports --json)" ""

# shellcheck disable=SC2046,SC2086 # lists of words
{
	is "add-ports: ids, one a line" "$(ctl add-ports $SPECS | tr '\n' ' ')" "1 2 3 4 "
	same list-ports
	same list-ports --json
	is "list-ports --json: ids" "$(ctl list-ports --json | fields 'j["id"]')" "1 2 3 4 "
	is "and whole specs" "$(ctl list-ports --json | sed -n 4p)" \
		'{"id":4,"spec":{"proto":"tcp","parentIP":"127.0.0.1","parentPort":8083,"childPort":83,"childIP":"10.0.2.100"}}'
	is "remove-ports: the ids again" "$(ctl remove-ports $(ctl list-ports --json | fields 'j["id"]') | tr '\n' ' ')" "1 2 3 4 "
	is "add-ports --json: each with its id" "$(ctl add-ports --json $SPECS | fields 'j["id"], s["parentPort"]')" \
		"(5, 8080) (6, 8081) (7, 8082) (8, 8083) "
	is "it is what list-ports --json says" "$(ctl add-ports --json 127.0.0.1:8090:90/tcp)" "$(ctl list-ports --json | tail -n 1)"
	is "remove-ports --json: an object with the id" "$(ctl remove-ports --json 5 6 | fields 'j["id"]')" "5 6 "
	is "Debian's removes ours" "$(theirs remove-ports 7 8 9 | tr '\n' ' ')" "7 8 9 "
	theirs add-ports --json $SPECS | sed 's/"id":[0-9]*/"id":0/' >"$T/theirs"
	ctl remove-ports $(ctl list-ports --json | fields 'j["id"]') >"$T/removed"
	is "add-ports --json like Debian's" "$(ctl add-ports --json $SPECS | sed 's/"id":[0-9]*/"id":0/')" "$(cat "$T/theirs")"
}

same add-ports --json 127.0.0.1:8080:80/tcp
like "stops at the first that fails, what was published before stays" \
	"$(said rootlessctl --socket "$STATE/api.sock" add-ports --json 127.0.0.1:8095:80/tcp 127.0.0.1:8080:80/tcp 127.0.0.1:8096:80/tcp)" \
	'{"id":*"parentPort":8095,*}
error: conflict with ID 14
?1]'
like "as listed" "$(ctl list-ports --json | fields 's["parentPort"]')" '*8083 8095 '

same info
# 1.1.0 does not know the fields ipv6, extra, workers, agents and instance and leaves them out
is "like Debian's: info --json" "$(ctl info --json | python3 -c 'import json, sys
j = json.load(sys.stdin)
j["networkDriver"].pop("ipv6", None)
j["networkDriver"].pop("extra", None)
j["portDriver"].pop("extra", None)
j.pop("workers", None)
j.pop("agents", None)
j.pop("instance", None)
print(json.dumps(j, indent=4))')" "$(theirs info --json)"
like "info --json names the drivers" "$(ctl info --json | tr '\n' ' ' | fields 'j["networkDriver"]["driver"], j["portDriver"]["driver"]')" "('slirp', 'builtin') "

# wrong use: nothing is asked, the same words
for wrong in 'add-ports' 'add-ports --json' 'add-ports --json 80/tpc' 'add-ports --json a:80:80/tcp' 'add-ports :80:x/tcp' 'remove-ports' 'remove-ports x' \
	'remove-ports 4711' 'info --nope' 'list-ports --json=maybe' 'list-ports --json=false extra' 'bogus' 'info -h'; do
	# shellcheck disable=SC2086 # a list of words
	same $wrong
done
is "flags stand before the arguments" "$(said rootlessctl --socket "$STATE/api.sock" remove-ports 1 --json)" \
	"$(said $THEIRS --socket "$STATE/api.sock" remove-ports 1 --json)"
rk_stop
is "no socket" "$(said rootlessctl --socket "$STATE/api.sock" info --json)" "$(said $THEIRS --socket "$STATE/api.sock" info --json)"
is "no socket given" "$(said rootlessctl list-ports --json)" "$(said $THEIRS list-ports --json)"
is "by the variable" "$(said env ROOTLESSKIT_STATE_DIR=/nonexistent rootlessctl info)" "error: stat /nonexistent/api.sock: no such file or directory
[1]"
