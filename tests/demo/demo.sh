# SPDX-License-Identifier: Apache-2.0
# demo.sh - see the program work: a web server as an ordinary user, its ports, its way out
# deadline: 60
demo_next() {
	cat <<-'EOT'
		Next, with dockerd installed (see README.md): meson install -C build, then as an ordinary user
		   PATH=$PATH:/usr/sbin:/sbin rootless-supervisor --net=slirp -- dockerd
		   docker -H unix://$XDG_RUNTIME_DIR/docker.sock run hello-world
		or see it done here: ./dev demo docker
	EOT
}
. "${0%/*}/lib.sh"
. "${0%/*}/../integration/lib.sh"

fetch() { curl --silent --show-error --max-time 5 --noproxy '*' "$1"; }
add_port() { as_user rootlessctl --socket="$STATE/api.sock" add-ports "$1"; }
address() { in_child ip -o -4 address show dev tap0 | sed 's/.* inet \([^ ]*\) .*/\1/'; }
resolve() { in_child getent ahostsv4 "$1" | sed -n '1s/ .*//p'; }
try() { nsprobe connect 127.0.0.1 "$1"; }

need userns tun tool:curl file:/bin/busybox
mkdir "$T/www"
echo "hello from inside" >"$T/www/index.html"
echo "$(as_user rootless-supervisor --version) as the user $RK_USER; the 'world' is a network namespace here"
rk_start --net=slirp -p 127.0.0.1:8080:80/tcp -- busybox httpd -f -p 80 -h "$T/www" || exit 1
echo "   rootless-supervisor --net=slirp -p 127.0.0.1:8080:80/tcp -- busybox httpd -f -p 80"
wait_for 5 fetch http://127.0.0.1:8080/
step "who the web server is in there: id -un" root in_child id -un
step "the address it has in there: ip address show tap0" 10.0.2.100/24 address
step "host: curl http://127.0.0.1:8080/" "hello from inside" fetch http://127.0.0.1:8080/
step "host: rootlessctl add-ports 0.0.0.0:8081:80/tcp" 2 add_port 0.0.0.0:8081:80/tcp
step "world: curl http://192.0.2.1:8081/" "hello from inside" in_world curl -s -m 5 --noproxy '*' http://192.0.2.1:8081/
step "inside, DNS: getent ahostsv4 two.world.test" 192.0.2.3 resolve two.world.test
step "inside, TCP: curl http://web.world.test/ (of the world)" hello in_child curl -sm 5 --noproxy '*' http://web.world.test/
step "inside, UDP: send 'ping' to the world's echo server" ping in_child nsprobe ask -u 192.0.2.2 7 ping
rk_stop TERM
step "kill -TERM: it ends with the web server's status, 128 + 15" 143 echo "$RK_STATUS"
step "host: connect to 127.0.0.1:8080" ECONNREFUSED try 8080
