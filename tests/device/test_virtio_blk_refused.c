/* SPDX-License-Identifier: MIT */
/* virtio_blk where something is refused to it: the file's lock, room, io_uring. */
#include <errno.h>
#include <signal.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "disk.h"

static struct riser_model *model;
static char path[] = "virtio_blk.XXXXXX";
static char said[256]; /* the device's last line */

static void note(void *arg, enum riser_log_level level, const char *device, const char *line)
{
	(void)arg, (void)level, (void)device;
	snprintf(said, sizeof(said), "%s", line);
}

static int make(const char *options, struct riser_host **host, struct riser_error *error)
{
	char all[128];
	struct riser_host_config config = { .size = sizeof(config),
					    .options = all,
					    .log = note };

	snprintf(all, sizeof(all), "file=%s%s", path, options);
	return riser_bench_create(model, &config, host, error);
}

static void locked(void **state)
{
	const struct {
		const char *first, *second;
		bool refused;
	} cases[] = { { "", "", true },
		      { ",readonly=on", "", true },
		      { "", ",readonly=on", true },
		      { ",readonly=on", ",readonly=on", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct riser_host *first, *second = NULL;
		struct riser_error error;

		assert_int_equal(make(cases[i].first, &first, &error), 0);
		assert_int_equal(make(cases[i].second, &second, &error),
				 cases[i].refused ? -EBUSY : 0);
		if (cases[i].refused)
			assert_non_null(strstr(error.text, "is in use by another"));
		riser_host_destroy(second);
		riser_host_destroy(first);
		/* And it is free again. */
		assert_int_equal(make("", &first, &error), 0);
		riser_host_destroy(first);
	}
}

/* From here on this process has no io_uring. */
static void refuse_io_uring(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(77);
}

static int write_and_read(struct riser_host *host)
{
	struct disk disk = { 0 };
	int slot;

	if (riser_host_enable(host) ||
	    disk_open(&disk, host, UINT64_C(1) << VIRTIO_BLK_F_FLUSH, 1, false))
		return 1;
	memset(disk.memory + disk.data, 0x5c, 4096);
	for (uint32_t type = VIRTIO_BLK_T_OUT + 1; type--;) {
		disk_add(&disk, 0, 1, type, 8, disk.data + (type ? 0 : 4096), 4096);
		disk_kick(&disk, 0);
		slot = disk_wait(&disk, 0);
		if (slot != 1 || disk_answer(&disk, 0, 1) != VIRTIO_BLK_S_OK)
			return 2;
	}
	slot = memcmp(disk.memory + disk.data, disk.memory + disk.data + 4096, 4096);
	disk_close(&disk);
	return slot ? 3 : 0;
}

/* In a child: what went wrong, as a number. */
static int without_io_uring(int refusal)
{
	struct riser_host *host = NULL;
	struct riser_error error;
	int wrong;

	refuse_io_uring(refusal);
	if (make("", &host, &error))
		return 10;
	if (!strstr(said, "io_uring is refused") || !strstr(said, "threads"))
		return 11;
	wrong = write_and_read(host);
	riser_host_destroy(host);
	if (wrong)
		return wrong;
	if (make(",aio=io_uring", &host, &error) != -refusal ||
	    !strstr(error.text, "io_uring is refused"))
		return 12;
	return 0;
}

static void no_io_uring(void **state)
{
	const int refusals[] = { ENOSYS, EPERM };
	int status;

	(void)state;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid)
			_exit(without_io_uring(refusals[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

/* ---- A disk that is full ---- */

enum { FULL_AT = 512 << 10 };

static void limit_file(rlim_t most)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static uint8_t move(struct disk *disk, uint32_t type, uint64_t at, uint32_t length)
{
	disk_add(disk, 0, 1, type, at / 512, disk->data, length);
	disk_kick(disk, 0);
	return disk_wait(disk, 0) == 1 ? disk_answer(disk, 0, 1) : 0xff;
}

/* What does not fit is an error, at once and said; what does fit goes on. */
static int fill_up(struct riser_host *host)
{
	struct disk disk = { 0 };

	if (riser_host_enable(host) ||
	    disk_open(&disk, host, UINT64_C(1) << VIRTIO_BLK_F_FLUSH, 1, false))
		return 1;
	limit_file(FULL_AT);
	if (move(&disk, VIRTIO_BLK_T_OUT, 0, 65536) != VIRTIO_BLK_S_OK)
		return 2;
	if (move(&disk, VIRTIO_BLK_T_OUT, FULL_AT, 4096) != VIRTIO_BLK_S_IOERR)
		return 3;
	if (!strstr(said, "cannot write at byte 524288: File too large (1 so far)"))
		return 4;
	if (move(&disk, VIRTIO_BLK_T_OUT, FULL_AT - 4096, 65536) != VIRTIO_BLK_S_IOERR)
		return 5;
	for (unsigned i = 0; i < 100; i++) {
		if (move(&disk, VIRTIO_BLK_T_OUT, FULL_AT, 4096) != VIRTIO_BLK_S_IOERR)
			return 6;
	}
	if (!strstr(said, "(64 so far)"))
		return 7;
	if (move(&disk, VIRTIO_BLK_T_IN, 0, 65536) != VIRTIO_BLK_S_OK)
		return 8;
	limit_file(RLIM_INFINITY);
	if (move(&disk, VIRTIO_BLK_T_OUT, FULL_AT, 65536) != VIRTIO_BLK_S_OK)
		return 9;
	disk_close(&disk);
	return 0;
}

static int in_child(const char *options)
{
	struct riser_host *host = NULL;
	struct riser_error error;
	int wrong;

	signal(SIGXFSZ, SIG_IGN);
	if (make(options, &host, &error))
		return 10;
	wrong = fill_up(host);
	riser_host_destroy(host);
	return wrong;
}

static void full(void **state)
{
	static const char *const engines[] = { ",aio=threads", "" };
	int status;

	(void)state;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid)
			_exit(in_child(engines[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(locked), cmocka_unit_test(full),
					    cmocka_unit_test(no_io_uring) };
	const char *folder = getenv("RISER_TEST_MODELS");
	struct riser_error error;
	char so[512];
	int failed, fd = mkstemp(path);

	snprintf(so, sizeof(so), "%s/virtio_blk.so", folder ? folder : "build/devices");
	if (fd < 0 || ftruncate(fd, 1 << 20) || riser_model_open(so, &model, &error)) {
		fprintf(stderr, "neither a file nor a model\n");
		return 1;
	}
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	riser_model_close(model);
	unlink(path);
	return failed;
}
