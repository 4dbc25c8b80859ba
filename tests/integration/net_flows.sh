# SPDX-License-Identifier: Apache-2.0
# net_flows.sh - rootlessctl flows, and GET /v1/flows, tell who talks to whom and how much, on each rung
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3
echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
# net_flows.py has what must be listed
listed() { ctl flows --json | python3 "$RK_SRC/tests/integration/net_flows.py" listed "$@"; }

mkfifo "$T/end" "$T/end2"
for RUNG in $RUNGS; do
	rk_start --net=slirp -p 127.0.0.1:7007:7/tcp -p 127.0.0.1:7008:7/udp -- nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,7 || exit
	wait_for 5 grep -q ready "$RK_OUT"
	rm -f "$T/ports" "$T/client"
	in_child python3 "$RK_SRC/tests/integration/net_flows.py" out <"$T/end" >"$T/ports" &
	out=$!
	exec 3>"$T/end"
	python3 "$RK_SRC/tests/integration/net_flows.py" client <"$T/end2" >"$T/client" &
	client=$!
	exec 4>"$T/end2"
	wait_for 10 test -s "$T/ports"
	wait_for 10 test -s "$T/client"
	# shellcheck disable=SC2046 # two numbers
	if wait_for 5 listed "$RUNG" $(cat "$T/ports") >"$T/missing"; then : >"$T/missing"; fi
	is "each flow with its addresses, state, age, bytes; what is missing" "$(cat "$T/missing")" ""
	like "as a table" "$(ctl flows --limit 1)" 'PROTO KIND *CHILD *FAR *STATE *AGE *IDLE *IN *OUT
tcp   *192.0.2.2:7 *open *3.0 kB *3.0 kB
and * more: --limit'
	exec 3>&- 4>&-
	wait "$out" "$client"
	ok "what has ended is not listed" wait_for 5 sh -c "! rootlessctl --socket '$STATE/api.sock' flows --json | grep -q '\"tcp\"'"
	like "status counts them" "$(ctl status)" '*flows      TCP 0 out, 0 published, * pings*rates      * connections/s, * in, * out, *'
	rk_stop
done
