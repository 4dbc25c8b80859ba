# SPDX-License-Identifier: Apache-2.0
# dns_stub.sh - the host's own resolver on 127.0.0.53, as systemd-resolved sets it up; search domains
. "${0%/*}/lib.sh"
need userns tun

nsprobe serve dns,127.0.0.53,53 >"$T/stub" 2>&1 &
stub=$!
wait_for 5 grep -q ready "$T/stub" || bail "the stub: $(cat "$T/stub")"
mkdir -p /run/systemd/resolve
printf 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan.test\n' >/run/systemd/resolve/stub-resolv.conf
ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf

rk_start --net=slirp --copy-up=/etc --copy-up=/run --disable-host-loopback -- sleep 1000 || exit
is "the stub is asked" "$(in_child nsprobe dns 10.0.2.3 where.world.test)" 127.0.0.53
is "by TCP too" "$(in_child nsprobe dns --tcp 10.0.2.3 where.world.test)" 127.0.0.53
isnt "the host's loopback is closed all the same" "$(in_child nsprobe connect 10.0.2.2 53)" ok
like "the child's file" "$(in_child cat /etc/resolv.conf | tr '\n' ' ')" \
	"nameserver 10.0.2.3 *options edns0 trust-ad search lan.test "
isnt "a short name is not known yet" "$(in_child getent ahostsv4 web | awk 'NR == 1 { print $1 }')" 192.0.2.2

inode=$(in_child stat -c %i /etc/resolv.conf)
printf 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch world.test lan.test\n' >"$T/new"
cp "$T/new" /run/systemd/resolve/.new
mv /run/systemd/resolve/.new /run/systemd/resolve/stub-resolv.conf
wait_for 6 in_child grep -q world.test /etc/resolv.conf
like "the child's file follows" "$(in_child cat /etc/resolv.conf | tr '\n' ' ')" \
	"nameserver 10.0.2.3 *options edns0 trust-ad search world.test lan.test "
is "it is the same file" "$(in_child stat -c %i /etc/resolv.conf)" "$inode"
is "the short name is known" "$(in_child getent ahostsv4 web | awk 'NR == 1 { print $1 }')" 192.0.2.2

kill $stub
wait $stub 2>/dev/null
is "the stub is down" "$(in_child nsprobe dns 10.0.2.3 where.world.test)" SERVFAIL
: >"$T/stub" # that of the first says ready
nsprobe serve dns,127.0.0.53,53 >"$T/stub" 2>&1 &
stub=$!
wait_for 5 grep -q ready "$T/stub"
is "and up again" "$(in_child nsprobe dns 10.0.2.3 where.world.test)" 127.0.0.53
rk_stop
kill $stub
wait $stub 2>/dev/null
rm -r /run/systemd /etc/resolv.conf
printf 'nameserver 192.0.2.2\nsearch world.test\n' >/etc/resolv.conf
