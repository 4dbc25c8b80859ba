# SPDX-License-Identifier: Apache-2.0
# dns_follow.sh - the host's resolver file changes in every way while the child looks up names
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun

# each says who it is as where.world.test; 127.0.0.1 is who is asked without a file
servers='dns,127.0.0.1,53 dns,127.0.1.1,53 dns,127.0.1.2,53 dns,127.0.1.3,53'
# shellcheck disable=SC2086 # a list
nsprobe serve $servers >"$T/servers" 2>&1 &
servers_pid=$!
wait_for 5 grep -q '127.0.1.3' "$T/servers" || bail "servers: $(cat "$T/servers")"

one='nameserver 127.0.1.1' two='nameserver 127.0.1.2' three='nameserver 127.0.1.3'
resolv=/etc/resolv.conf
put() { printf '%s\n' "$2" >"$1"; }
replace_by_link() { ln -s "$1" "$2.new" && mv -T "$2.new" "$2"; }

put $resolv "$one"
rk_start --net=slirp -- sleep 1000 || exit
# shellcheck disable=SC2016 # expands there
in_child sh -c 'until [ -e "$1" ]; do echo "$(nsprobe dns 10.0.2.3 where.world.test)"; sleep 0.05; done' \
	sh "$T/stop" >"$T/answers" 2>&1 &
loop=$!

answers() { [ "$(tail -n 1 "$T/answers")" = "$1" ]; }
# asked DESCRIPTION SERVER: within 6 s
asked() {
	if wait_for 6 answers "$2"; then pass "$1"; else fail "$1" "want $2, the last answers:
$(tail -n 5 "$T/answers")"; fi
}

asked "the start" 127.0.1.1
put $resolv "$two"
asked "written in place" 127.0.1.2
put $resolv.new "$one"
mv $resolv.new $resolv
asked "renamed over" 127.0.1.1
mkdir -p /run/resolve/x
put /run/resolve/stub "$two"
put /run/resolve/other "$three"
replace_by_link ../run/resolve/stub $resolv
asked "a link in its place" 127.0.1.2
put /run/resolve/stub "$one"
asked "the link's target written in place" 127.0.1.1
replace_by_link /run/resolve/other $resolv
asked "the link leads elsewhere" 127.0.1.3
replace_by_link /run/resolve/stub /run/resolve/inner
replace_by_link /run/resolve/inner $resolv
asked "a link to a link" 127.0.1.1
replace_by_link other /run/resolve/inner
asked "the inner link leads elsewhere" 127.0.1.3
mkdir /run/resolve.new
put /run/resolve.new/inner "$two"
mv /run/resolve /run/resolve.old
mv /run/resolve.new /run/resolve
asked "the target's directory is replaced" 127.0.1.2
rm -r /run/resolve
asked "the link leads nowhere: this host is asked" 127.0.0.1
mkdir /run/resolve
put /run/resolve/inner "$one"
asked "its directory and file are made" 127.0.1.1
rm $resolv
asked "deleted: this host is asked" 127.0.0.1
put $resolv "$two"
asked "made again" 127.0.1.2
: >$resolv
asked "empty: this host is asked" 127.0.0.1
put $resolv "$three"
asked "filled again" 127.0.1.3
put "$T/bound" "$one"
mount --bind "$T/bound" $resolv
asked "bind-mounted" 127.0.1.1
put "$T/bound" "$two"
asked "the mounted file written in place" 127.0.1.2
umount $resolv
asked "unmounted" 127.0.1.3

seen=$(wc -l <"$T/answers")
: >$resolv
sleep 0.3
put $resolv "$two"
asked "cut, and filled 0.3 s later" 127.0.1.2
is "nobody was asked in between" "$(tail -n "+$seen" "$T/answers" | sort -u | tr '\n' ' ')" "127.0.1.2 127.0.1.3 "
is "no answer was a failure" "$(grep -vc '^127\.0\.[01]\.[1-3]$' "$T/answers")" 0

: >"$T/stop"
wait $loop
rk_stop
kill $servers_pid
wait $servers_pid 2>/dev/null
rm -r /run/resolve /run/resolve.old
printf 'nameserver 192.0.2.2\nsearch world.test\n' >$resolv
