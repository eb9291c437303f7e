/* SPDX-License-Identifier: MIT */
/* Runs a fuzzer's inputs without a fuzzer: files, or folders of them. Prints how many there
 * were. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { MOST = 1 << 20 };

static unsigned run_file(const char *path)
{
	static uint8_t bytes[MOST];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		exit(1);
	}
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	LLVMFuzzerTestOneInput(bytes, size);
	return 1;
}

static unsigned run_folder(const char *path, DIR *folder)
{
	const struct dirent *entry;
	unsigned count = 0;
	char full[1024];

	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
		count += run_file(full);
	}
	closedir(folder);
	return count;
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);

		count += folder ? run_folder(argv[i], folder) : run_file(argv[i]);
	}
	printf("%u inputs\n", count);
	return !count;
}
