# SPDX-License-Identifier: Apache-2.0
# net_host_addrs.py ADDR PORT - in the child: datagrams to an echo there until its pair is a busy one, "ready"; after each
# line of input one more, from the same socket: prints the answer, an errno or "silence"
import errno, socket, sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
s.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR: every refusal is told
s.connect((sys.argv[1], int(sys.argv[2])))


def ask(text):
    try:
        s.send(text)
        return s.recv(100).decode()
    except TimeoutError:
        return "silence"
    except OSError as e:
        return errno.errorcode[e.errno]


heard = 0
while heard < 10:
    heard += ask(b"early") == "early"
print("ready", flush=True)
for line in sys.stdin:
    print(ask(line.strip().encode()), flush=True)
