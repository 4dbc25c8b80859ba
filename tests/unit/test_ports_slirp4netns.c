// SPDX-License-Identifier: Apache-2.0
/* test_ports_slirp4netns.c - ports of the program slirp4netns; a process of the test is its API */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/ipc/statenames.h"
#include "portdrivers/portdriver.h"

#define DRIP_MS 100
#define DRIPS 45 /* longer than an answer is waited for */

static const struct port_driver *driver;
static struct port_run *run;
static struct err err;
static char dir[] = "/tmp/rk-s4n-XXXXXX", path[64];
static int requests; /* what the API was asked, one line each */
static pid_t api;
static int lost;

/* one connection each; NULL: an answer that does not end */
static void serve(int listener, const char *const *answers, size_t n, int tell)
{
	const struct timespec pause = { .tv_nsec = DRIP_MS * 1000000L };

	for (size_t i = 0; i < n; i++) {
		int fd = accept(listener, NULL, NULL);
		char text[512];
		ssize_t len = read(fd, text, sizeof(text));

		if (len < 0 || write(tell, text, (size_t)len) != len)
			_exit(1);
		if (answers[i])
			send(fd, answers[i], strlen(answers[i]), MSG_NOSIGNAL);
		for (int j = 0; !answers[i] && j < DRIPS; j++) {
			send(fd, " ", 1, MSG_NOSIGNAL);
			nanosleep(&pause, NULL);
		}
		close(fd);
	}
	_exit(0);
}

static void start_api(const char *const *answers, size_t n)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fds[2];

	memcpy(sa.sun_path, path, sizeof(path));
	unlink(path);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(listener, 5), 0);
	ck_assert_int_eq(pipe(fds), 0);
	api = fork();
	if (api == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		serve(listener, answers, n, fds[1]);
	}
	close(fds[1]);
	close(listener);
	requests = fds[0];
}

/* all that it was asked, when it has answered everything */
static void end_api(char *ret, size_t size)
{
	size_t got = 0;

	for (ssize_t n = 1; n > 0 && got < size - 1; got += (size_t)n) {
		n = read(requests, ret + got, size - 1 - got);
		ck_assert_int_ge(n, 0);
	}
	ret[got] = '\0';
	close(requests);
	waitpid(api, NULL, 0);
}

static struct port_spec spec_of(int port)
{
	struct port_spec s = { .proto = "tcp", .parent_ip = "127.0.0.1", .child_port = 80 };

	s.parent_port = port;
	return s;
}

static void on_lost(void *arg, const struct err *why)
{
	(void)arg;
	ck_assert_int_eq(why->code, ETIMEDOUT);
	lost++;
}

static void setup(void)
{
	struct port_env env = { .have_child_ip = true, .network_lost = on_lost };

	driver = port_driver_find("slirp4netns", true);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/" STATE_S4NN_SOCK, dir);
	env.state_dir = dir;
	err = (struct err){ 0 };
	ck_assert_int_eq(driver->parent_start(NULL, &env, &run, &err), 0);
}

static void teardown(void)
{
	driver->parent_stop(run);
	unlink(path);
	rmdir(dir);
}

/* ids of one life mean other ports in the next one */
START_TEST(no_id_outlives_a_life)
{
	static const char *const first[] = { "{\"return\":{\"id\":1}}", "{\"return\":{\"id\":2}}" };
	static const char *const second[] = { "{\"error\":{\"desc\":\"taken\"}}",
					      "{\"return\":{\"id\":1}}", "{\"return\":{}}" };
	struct port_spec a = spec_of(7001), b = spec_of(7002);
	char text[2048];

	start_api(first, ARRAY_SIZE(first));
	ck_assert_int_eq(driver->parent_add(run, 1, &a, &err), 0);
	ck_assert_int_eq(driver->parent_add(run, 2, &b, &err), 0);
	end_api(text, sizeof(text));
	driver->parent_relay_gone(run);
	start_api(second, ARRAY_SIZE(second));
	ck_assert_int_eq(driver->parent_relay_up(run, -1, &err), 0);
	ck_assert_int_eq(driver->parent_remove(run, 1, 0, NULL, NULL, &err), 0);
	ck_assert_int_eq(driver->parent_remove(run, 2, 0, NULL, NULL, &err), 0);
	end_api(text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "\"remove_hostfwd\",\"arguments\":{\"id\":1}"));
	ck_assert_ptr_nonnull(strstr(text, "7002"));
}
END_TEST

/* the limit is for the answer, not for each part of it; after it that life is given up */
START_TEST(an_answer_without_end)
{
	static const char *const answers[] = { NULL };
	struct port_spec a = spec_of(7001);

	start_api(answers, 1);
	ck_assert_int_eq(driver->parent_add(run, 1, &a, &err), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(err.msg, "asking slirp4netns at"));
	ck_assert_int_eq(lost, 1);
	ck_assert_int_eq(driver->parent_add(run, 2, &a, &err),
			 -EAGAIN); /* it does not wait again */
	kill(api, SIGKILL);
	waitpid(api, NULL, 0);
	close(requests);
}
END_TEST

/* one that is stopped, with a queue that others have filled */
START_TEST(nobody_is_accepted)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct port_spec a = spec_of(7001);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sa.sun_path, path, sizeof(path));
	unlink(path);
	ck_assert(bind(listener, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
		  listen(listener, 0) == 0 &&
		  connect(other, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	ck_assert_int_eq(driver->parent_add(run, 1, &a, &err), -ETIMEDOUT);
	ck_assert_int_eq(lost, 1);
	close(listener);
	close(other);
}
END_TEST

/* it is in the table no more, so that the next life does not get it */
START_TEST(a_removal_without_answer)
{
	static const char *const answers[] = { "{\"return\":{\"id\":1}}", NULL };
	struct port_spec a = spec_of(7001);

	start_api(answers, ARRAY_SIZE(answers));
	ck_assert_int_eq(driver->parent_add(run, 1, &a, &err), 0);
	ck_assert_int_eq(driver->parent_remove(run, 1, 0, NULL, NULL, &err), 0);
	ck_assert_int_eq(lost, 1);
	ck_assert_int_eq(driver->parent_remove(run, 1, 0, NULL, NULL, &err), -ENOENT);
	kill(api, SIGKILL);
	waitpid(api, NULL, 0);
	close(requests);
}
END_TEST

/* what it does not have is removed; another failure is one */
START_TEST(a_removal_of_what_is_not_there)
{
	static const char *const answers[] = {
		"{\"return\":{\"id\":1}}",
		"{\"error\":{\"desc\":\"bad request: something\"}}",
		"{\"error\":{\"desc\":\"bad request: remove_hostfwd: bad arguments.id\"}}",
	};
	struct port_spec a = spec_of(7001);
	char text[2048];

	start_api(answers, ARRAY_SIZE(answers));
	ck_assert_int_eq(driver->parent_add(run, 1, &a, &err), 0);
	ck_assert_int_eq(driver->parent_remove(run, 1, 0, NULL, NULL, &err), -EINVAL);
	ck_assert_int_eq(driver->parent_remove(run, 1, 0, NULL, NULL, &err), 0);
	ck_assert_int_eq(driver->parent_remove(run, 1, 0, NULL, NULL, &err), -ENOENT);
	ck_assert_int_eq(lost, 0);
	end_api(text, sizeof(text));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ports_slirp4netns");
	TCase *t = tcase_create("ports_slirp4netns");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, no_id_outlives_a_life);
	tcase_add_test(t, an_answer_without_end);
	tcase_add_test(t, nobody_is_accepted);
	tcase_add_test(t, a_removal_without_answer);
	tcase_add_test(t, a_removal_of_what_is_not_there);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
