# SPDX-License-Identifier: Apache-2.0
# docker.sh - see the program run Debian's dockerd as an ordinary user: a container, its port, its way out
# deadline: 120
demo_next() {
	cat <<-'EOT'
		Next (see README.md): meson install -C build, then as an ordinary user
		   PATH=$PATH:/usr/sbin:/sbin rootless-supervisor --net=slirp -- dockerd
		   docker -H unix://$XDG_RUNTIME_DIR/docker.sock run -d -p 8080:80 IMAGE
	EOT
}
. "${0%/*}/lib.sh"
. "${0%/*}/../docker/lib.sh"

security() { docker info 2>/dev/null | sed -n 's/^  \(rootless\)$/\1/p'; }
owner() { stat -c %U "/proc/$(cat "$RK_RUN/docker.pid")"; }
run_web() { docker run -d --name web --init -p 8080:80 box httpd -f -p 80 -h /w | grep -cxE '[0-9a-f]{64}'; }
try() { nsprobe connect 127.0.0.1 "$1"; }

make_data
echo "$(as_user rootless-supervisor --version) as the user $RK_USER; the 'world' is a network namespace here"
rk_start --net=slirp -- dockerd --data-root="$DATA" || exit 1
echo "   rootless-supervisor --net=slirp -- dockerd"
wait_dockerd
import_box
step "who dockerd is on the host" "$RK_USER" owner
step "docker info: security options" rootless security
step "docker run -d -p 8080:80 box httpd: containers that run" 1 run_web
wait_for 5 get http://127.0.0.1:8080/
step "host: curl http://127.0.0.1:8080/" "hello from a container" get http://127.0.0.1:8080/
step "world: curl http://192.0.2.1:8080/" "hello from a container" in_world curl -s -m 5 --noproxy '*' http://192.0.2.1:8080/
step "docker exec, DNS: two.world.test of 10.0.2.3" 192.0.2.3 docker exec web nsprobe dns 10.0.2.3 two.world.test
step "docker exec, TCP: 1 MB to the world and back" ok docker exec web nsprobe duplex 192.0.2.2 7 1000000 3
step "docker exec, UDP: send 'ping' to the world's echo server" ping docker exec web nsprobe ask -u 192.0.2.2 7 ping
step "docker rm -f web" web docker rm -f web
step "host: connect to 127.0.0.1:8080" ECONNREFUSED try 8080
end_dockerd
step "kill -TERM: it ends with dockerd's status" 0 echo "$RK_STATUS"
