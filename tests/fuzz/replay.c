// SPDX-License-Identifier: Apache-2.0
/* replay.c - run a fuzz target over the files of a directory, in builds without libFuzzer */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* of the exact size, so that each byte read behind the end is found */
static int replay(const char *dir, const char *name)
{
	static uint8_t buf[INPUT_MAX];
	char path[PATH_MAX];
	uint8_t *data;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	data = malloc(n ? n : 1);
	if (!data)
		return -1;
	for (size_t i = 0; i < n; i++)
		data[i] = buf[i];
	printf("# %s\n", name);
	fflush(stdout); /* the last line names the one that fails */
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	const struct dirent *e;
	unsigned n = 0;

	if (!d) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (replay(argv[1], e->d_name) < 0) {
			perror(e->d_name);
			return 1;
		}
		n++;
	}
	closedir(d);
	printf("# %u inputs\n", n);
	return n ? 0 : 1;
}
