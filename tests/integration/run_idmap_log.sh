# SPDX-License-Identifier: Apache-2.0
# run_idmap_log.sh - --idmap=single and auto where there is no newuidmap and no range; --log-format=json and journal
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3
# shellcheck disable=SC2016 # expands inside
look='sed "s/  */ /g; s/^ //" /proc/self/uid_map /proc/self/gid_map; cat /proc/self/setgroups; id -u'

rk_run --idmap=single --net=none -- sh -c "$look"
is "single: the own ids as root, no groups" "$(cat "$RK_OUT")" "0 $RK_UID 1
0 $(id -g "$RK_USER") 1
deny
0"
is "nothing is said" "$(cat "$RK_ERR")" ""

# no ranges, no tools
cp -p /etc/subuid /etc/subgid "$T"
sed -i "/^$RK_USER:/d" /etc/subuid /etc/subgid
for tool in newuidmap newgidmap; do
	mount --bind /bin/false "$(command -v $tool)"
done
rk_start --idmap=single --net=slirp --copy-up=/etc -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
wait_for 5 grep -q ready "$RK_OUT"
is "the whole network works with one id" "$(in_child nsprobe duplex 192.0.2.2 7 100000 3)" ok
is "and a published port" "$(nsprobe duplex 127.0.0.1 7007 100000 3)" ok
is "names, too" "$(in_child nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
is "a file has no other owner" "$(in_child sh -c 'touch /etc/new && chown 1 /etc/new' 2>&1 | grep -o 'Invalid argument')" "Invalid argument"
rk_stop
rk_run --net=none -- true
like "full, the default: no start" "$(cat "$RK_ERR")" '*No subuid ranges found*'
is "and its status" "$RK_STATUS" 125
rk_run --idmap=auto --net=none -- sh -c "$look"
is "auto: the same as single" "$(sed -n 1p "$RK_OUT")" "0 $RK_UID 1"
like "which is said, once" "$(cat "$RK_ERR")" 'rootless-supervisor: warning: ids: *No subuid ranges found*: only the user?s own id is mapped (--idmap=single)'
echo "$RK_USER:100000:65536" >>/etc/subuid
echo "$RK_USER:100000:65536" >>/etc/subgid
rk_run --idmap=auto --net=none -- sh -c "$look"
is "auto without the tools" "$(sed -n 1p "$RK_OUT")" "0 $RK_UID 1"
like "says which" "$(cat "$RK_ERR")" '*warning: ids: newuidmap is missing or cannot gain rights: only *'
for tool in newuidmap newgidmap; do
	umount "$(command -v $tool)"
done
rk_run --idmap=auto --net=none -- sh -c "$look"
is "auto with both: all ids" "$(sed -n 2p "$RK_OUT")" "1 100000 65536"
is "silently" "$(cat "$RK_ERR")" ""
for file in subuid subgid; do
	cat "$T/$file" >"/etc/$file"
done
rk_run --idmap=some --net=none -- true
documented "a slip of the pen" "$RK_ERR"

# the log
rk_run --log-format=json --debug --net=slirp -- true
is "json: each line is an object with four fields" "$(python3 -c 'import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
print(len(lines) > 5, {tuple(j) for j in lines}, {j["level"] for j in lines} <= {"debug", "info", "warning", "error"}, {"parent", "relay"} <= {j["role"] for j in lines})' "$RK_ERR")" \
	"True {('time', 'level', 'role', 'msg')} True True"
rk_run --log-format=json --net=none -- "/none/a\"b$(printf '\n\303\251\377')/c"
is "an error with a quote, a newline, a letter and a byte that is none" "$(python3 -c 'import json, sys
j = json.loads(open(sys.argv[1]).read())
print(j["level"], "a\"b" in j["msg"], "\u00e9" in j["msg"] or "?" in j["msg"])' "$RK_ERR")" "error True True"
rk_run --log-format=json --net=none -- "$(printf '/none/\340\200\200 \355\240\200 \360\200\200\200 \364\220\200\200 \355\237\277\364\217\277\277')"
is "what only looks like UTF-8 is none" "$(python3 -c 'import json, sys
j = json.loads(open(sys.argv[1], "rb").read())
print(j["level"], j["msg"].count("?"), "\ud7ff\U0010ffff" in j["msg"])' "$RK_ERR" 2>&1)" "error 14 True"
rk_run --log-format=journal --net=none -- /nonexistent
like "journal: the level of syslog in front of each line" "$(cat "$RK_ERR")" '<3>*/nonexistent*'
is "of each" "$(grep -vc '^<3>' "$RK_ERR")" 0
rk_run --log-format=xml --net=none -- true
documented "a slip of the pen, too" "$RK_ERR"
