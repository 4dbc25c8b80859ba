# SPDX-License-Identifier: Apache-2.0
# run_copyup.sh - /etc and /run inside: tmpfs and links, what is left out, and the host untouched
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

mkdir -p /run/docker/x /run/containerd /run/kept /etc/ssl-like /etc/.hidden
touch /run/xtables.lock /run/file "/etc/with blank"
ln -s /etc/hostname /etc/absolute
ln -s ../run/file /etc/relative
ln -s nowhere /etc/dangling
mkfifo /etc/fifo
ls -AR /etc >"$T/etc.before"

# inside SCRIPT [FLAG...]: its output
inside() {
	script=$1
	shift
	rk_run "$@" -- sh -c "$script"
	cat "$RK_OUT" "$RK_ERR"
}
is "/etc and /run are tmpfs" "$(inside 'stat -f -c %T /etc /run' | tr '\n' ' ')" "tmpfs tmpfs "
is "entries are links, and lead to the same" "$(inside 'for f in passwd ssl-like .hidden "with blank" fifo; do test -L "/etc/$f" || echo "$f"; done; sha256sum </etc/passwd')" \
	"$(sha256sum </etc/passwd)"
is "links are copied as they are" "$(inside 'readlink /etc/absolute /etc/relative /etc/dangling' | tr '\n' ' ')" "/etc/hostname ../run/file nowhere "
like "the old content lies in one directory" "$(inside 'ls -d /etc/.ro*; readlink /etc/passwd')" '/etc/.ro[0-9]*.ro[0-9]*/passwd'
is "every name is there, and no other" "$(inside 'ls -A /etc' | grep -v '^\.ro')" "$(ls -A /etc)"
is "resolv.conf and hosts are mounts of regular files" \
	"$(inside 'for f in resolv.conf hosts; do test -f /etc/$f && ! test -L /etc/$f && grep -c " /etc/$f " /proc/self/mountinfo; stat -c %a /etc/$f; done' | tr '\n' ' ')" "1 644 1 644 "
like "hosts names this host" "$(inside 'cat /etc/hosts')" "*127.0.0.1*$(hostname)*"
like "resolv.conf names our server and the host's domain" "$(inside 'cat /etc/resolv.conf')" '*nameserver 10.0.2.3*search world.test*'
is "what dockerd makes anew is left out of /run" "$(inside 'cd /run; ls -d docker containerd xtables.lock kept file 2>/dev/null' | tr '\n' ' ')" "file kept "
# shellcheck disable=SC2016 # expands inside
like "the state directory is reached under the copied /run" "$(inside 'test -S "$ROOTLESSKIT_STATE_DIR/api.sock" && cat "$ROOTLESSKIT_STATE_DIR/child_pid"')" '[1-9]*'
RK_NAME=rootlesskit
is "under RootlessKit's name nothing is left out" "$(inside 'cd /run; ls -d docker containerd xtables.lock | wc -l' --net=slirp4netns --disable-host-loopback --copy-up=/etc --copy-up=/run)" 3
is "and nothing is copied unless asked" "$(inside 'stat -f -c %T /etc' --net=none)" "$(stat -f -c %T /etc)"
RK_NAME=rootless-supervisor
is "--copy-up= copies nothing" "$(inside 'grep -c " - tmpfs none " /proc/self/mountinfo' --net=none --copy-up=)" 0
is "one directory, given by a path that needs cleaning" "$(inside 'test -L /etc/passwd && ! test -L /run/kept && echo yes' --net=none --copy-up=/usr/..//etc/)" yes
as_user mkdir -p "$RK_HOME/d/e"
is "any other directory" "$(inside "test -L $RK_HOME/d/e && ! test -L /etc/passwd && echo yes" --net=none --copy-up="$RK_HOME/d")" yes
as_user rmdir "$RK_HOME/d/e" "$RK_HOME/d"

# what rootless scripts do
is "names can be replaced" "$(inside 'rm /etc/ssl-like && mkdir /etc/ssl-like && echo x >/etc/ssl-like/new && rm -f /run/kept /etc/passwd && echo root:x:0:0::/:/bin/sh >/etc/passwd && mkdir -p /run/docker && ls /etc/ssl-like' 2>&1)" new
is "a file of root's cannot be written through its link" "$(inside 'echo x >>/etc/hostname && echo written')" \
	"sh: 1: cannot create /etc/hostname: Permission denied"
is "the host has what it had" "$(ls -AR /etc)" "$(cat "$T/etc.before")"
ok "and /run as well" test -d /run/docker/x -a -d /run/kept -a ! -e /etc/ssl-like/new

# a host's file made later is not seen at top level, and the daemon's own is not seen outside
rk_start --net=none -- sleep 1000
touch /etc/later
fails "a later file of /etc is not there inside" in_child test -e /etc/later
in_child touch /etc/own
fails "nor a file of the child outside" test -e /etc/own
rk_stop
rm -rf /etc/later /run/docker /run/containerd /run/kept /run/xtables.lock /run/file /etc/ssl-like /etc/.hidden "/etc/with blank" \
	/etc/absolute /etc/relative /etc/dangling /etc/fifo
