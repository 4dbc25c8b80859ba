# SPDX-License-Identifier: Apache-2.0
# sandbox_trace.sh - what root of the child, and a container with Docker's capabilities, may do to
# each of our processes: 2 x 11 x 8 attempts
. "${0%/*}/lib.sh"
need userns tun tool:python3

none='seize=EPERM mem=EACCES getfd=EPERM fds=EACCES exe=EACCES environ=EACCES setns=EACCES readv=EPERM'
all='seize=ok mem=ok getfd=ok fds=ok exe=ok environ=ok setns=ok readv=ok'

rk_start --net=slirp --sandbox=require -- sleep 1000 || exit
# cells DESCRIPTION PROCESS ROOT CONTAINER: what each of the two gets
cells() {
	[ "$2" ] || bail "no process: $1"
	is "root of the child and $1" "$(in_child nsprobe trace "$2")" "$3"
	is "a container and $1" "$(in_child nsprobe trace -c "$2")" "$4"
}
cells "the parent" "$RK_PID" "$none" "$none"
cells "the nursery" "$(pgrep rs-nursery)" "$none" "$none"
cells "the relay" "$(pgrep rs-relay)" "$none" "$none"
cells "slirp" "$(pgrep rs-slirp)" "$none" "$none"
# they are the child's own, and hold nothing that it could not make itself
n=0
for p in $(pgrep 'rs-(nsagent|spare)'); do
	n=$((n + 1))
	cells "agent $n" "$p" "$all" "$none"
	unlike "agent $n holds no tap, no socket of the host" "$(nsprobe holds "$p")" "*[tui]n[e/]t*"
done
is "there are two agents, and a spare of each" $n 4
# the attempts do work: against what belongs to the child
is "root of the child and its command" "$(in_child nsprobe trace "$(pgrep sleep)")" "$all"
rk_stop

# a program of others carries the network
chmod 755 "$T"
cp "${0%/*}/framepeer.py" "$T/vpnkit"
chmod 755 "$T/vpnkit"
rk_start --net=vpnkit --vpnkit-binary="$T/vpnkit" --sandbox=require -- sleep 1000 || exit
wait_for 5 pgrep -x rs-frames
cells "the parent beside a program" "$RK_PID" "$none" "$none"
cells "the starter of programs" "$(pgrep rs-starter)" "$none" "$none"
cells "the process that carries frames" "$(pgrep rs-frames)" "$none" "$none"
rk_stop

# the refusals above are the confinement's
rk_start --net=slirp --sandbox=off -- sleep 1000 || exit
is "off: the parent may be looked at by its user" "$(as_user nsprobe trace "$RK_PID")" "${all% setns*} setns=EPERM readv=ok"
rk_stop
