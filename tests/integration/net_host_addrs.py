# SPDX-License-Identifier: Apache-2.0
# net_host_addrs.py ADDR PORT - in the child: datagrams to an echo there until its pair is a busy one, "ready"; after each
# line of input one more, from the same socket: prints the answer, an errno or "silence"
import errno, signal, socket, sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
signal.alarm(60)
s.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR: every refusal is told
s.connect((sys.argv[1], int(sys.argv[2])))


# an answer to an earlier one may still come
def ask(text):
    try:
        s.send(text)
        while s.recv(100) != text:
            pass
        return text.decode()
    except TimeoutError:
        return "silence"
    except OSError as e:
        return errno.errorcode[e.errno]


if all(ask(b"early %d" % i).startswith("early") for i in range(10)):
    print("ready", flush=True)
for line in sys.stdin:
    print(ask(line.strip().encode()), flush=True)
