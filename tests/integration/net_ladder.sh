# SPDX-License-Identifier: Apache-2.0
# net_ladder.sh - who carries TCP out when the kernel lacks something: the rung, the reason, one line of
# log, and traffic all the same
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun tool:curl
cp "$RK_BUILD/tests/refuse/librefuse.so" "$T/librefuse.so" # where the user may read it
without() { RK_ENV="LD_PRELOAD=$T/librefuse.so REFUSE=$1"; }
info() { as_user curl -s --unix-socket "$STATE/api.sock" http://x/v1/info; }
said() { grep "TCP out goes" "$RK_ERR"; }

# rung and reason that auto comes to, without what the third column names
while read -r rung lacking reason; do
	without "$lacking"
	rk_start --net=slirp -- sleep 1000 || exit
	told=$(info)
	like "without $lacking: $rung" "$told" "*\"accel\":\"$rung\"*"
	if [ "$rung" = tproxy ]; then
		unlike "and no reason" "$told" "*accelReason*"
		is "nothing is said" "$(said)" ""
	else
		like "the reason" "$told" "*\"accelReason\":\"$reason\"*"
		is "one line of log" "$(said | wc -l)" 1
		like "with the reason" "$(said)" "*info: network: TCP out goes by *: $reason"
	fi
	is "TCP" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
	is "TCP by IPv6" "$(in_child nsprobe duplex 2001:db8::2 7 1000000 3)" ok
	is "nobody listens" "$(in_child nsprobe connect 192.0.2.2 4)" ECONNREFUSED
	is "UDP" "$(in_child nsprobe ask -u 192.0.2.2 7 hello)" hello
	is "a name, by TCP" "$(in_child nsprobe dns --tcp 10.0.2.3 web.world.test)" 192.0.2.2
	rk_stop
done <<-EOT
	tproxy nothing
	redirect tproxy nf_tables: SYNs to the listener (tproxy): No such file or directory
	off tproxy,nat nf_tables: SYNs to the listener (tproxy): No such file or directory; then: nf_tables: nat: No such file or directory
	off tproxy,notrack *; then: nf_tables: SYNs untracked: No such file or directory
	off nf_tables opening a socket to nf_tables: Protocol not supported; then: *
	off tun making the tun 'bounce0': Operation not permitted
	off readonly=bounce0/accept_local setting '/proc/sys/net/ipv4/conf/bounce0/accept_local' to '1': Read-only file system*
	off kept=bounce0/accept_local setting '/proc/sys/net/ipv4/conf/bounce0/accept_local' to '1': the kernel kept another value
	tproxy readonly=nf_conntrack
	off tproxy,readonly=tcp_loose *; then: setting '/proc/sys/net/netfilter/nf_conntrack_tcp_loose' to '0': Read-only file system*
	off tproxy,kept=be_liberal *; then: setting '/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal' to '1': the kernel kept another value
EOT

# who insists is told
for demanded in tproxy:tproxy redirect:nat tproxy:nf_tables redirect:tun; do
	without "${demanded#*:}"
	rk_run --net=slirp --accel="${demanded%:*}" true
	is "--accel=$demanded fails" "$RK_STATUS" 125
	one_error_line "with a line" "$RK_ERR" "--accel=${demanded%:*}: "
	documented "which is explained" "$RK_ERR"
done
without tproxy,nat,tun,nf_tables
rk_start --net=slirp --accel=off -- sleep 1000 || exit
unlike "--accel=off has no reason" "$(info)" "*accelReason*"
is "TCP" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
rk_stop
