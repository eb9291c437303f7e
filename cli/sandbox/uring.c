/* SPDX-License-Identifier: MIT */
/*
 * io_uring: what is done through a ring passes by seccomp, so that the rings are the warden's,
 * who has the kernel restrict each to work on descriptors that the device has.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sandbox/inside.h"

static const uint8_t operations[] = {
	IORING_OP_NOP,		IORING_OP_READV,	  IORING_OP_WRITEV,
	IORING_OP_FSYNC,	IORING_OP_READ_FIXED,	  IORING_OP_WRITE_FIXED,
	IORING_OP_POLL_ADD,	IORING_OP_POLL_REMOVE,	  IORING_OP_SYNC_FILE_RANGE,
	IORING_OP_TIMEOUT,	IORING_OP_TIMEOUT_REMOVE, IORING_OP_ASYNC_CANCEL,
	IORING_OP_LINK_TIMEOUT, IORING_OP_FALLOCATE,	  IORING_OP_CLOSE,
	IORING_OP_READ,		IORING_OP_WRITE,	  IORING_OP_FADVISE,
	IORING_OP_MADVISE,	IORING_OP_SEND,		  IORING_OP_RECV,
};

static const uint8_t registrations[] = {
	IORING_REGISTER_BUFFERS,      IORING_UNREGISTER_BUFFERS,     IORING_REGISTER_FILES,
	IORING_UNREGISTER_FILES,      IORING_REGISTER_EVENTFD,	     IORING_UNREGISTER_EVENTFD,
	IORING_REGISTER_FILES_UPDATE, IORING_REGISTER_EVENTFD_ASYNC, IORING_REGISTER_PROBE,
};

enum { OPERATIONS = sizeof(operations), REGISTRATIONS = sizeof(registrations) };

static int restrict_ring(int ring)
{
	struct io_uring_restriction rules[OPERATIONS + REGISTRATIONS + 1] = { { 0 } };
	unsigned count = 0;

	for (unsigned i = 0; i < OPERATIONS; i++) {
		rules[count].opcode = IORING_RESTRICTION_SQE_OP;
		rules[count++].sqe_op = operations[i];
	}
	for (unsigned i = 0; i < REGISTRATIONS; i++) {
		rules[count].opcode = IORING_RESTRICTION_REGISTER_OP;
		rules[count++].register_op = registrations[i];
	}
	rules[count].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	rules[count++].sqe_flags = IOSQE_FIXED_FILE | IOSQE_IO_DRAIN | IOSQE_IO_LINK |
				   IOSQE_IO_HARDLINK | IOSQE_ASYNC;
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_RESTRICTIONS, rules, count) ||
	    syscall(SYS_io_uring_register, ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0))
		return -errno;
	return 0;
}

static int make_ring(uint32_t entries, struct io_uring_params *params)
{
	int ring, ret;

	params->flags |= IORING_SETUP_R_DISABLED;
	ring = (int)syscall(SYS_io_uring_setup, entries, params);
	if (ring < 0)
		return -errno;
	params->flags &= ~(uint32_t)IORING_SETUP_R_DISABLED;
	ret = restrict_ring(ring);
	if (!ret)
		return ring;
	close(ring);
	return ret;
}

/* Where the kernel cannot do it there is no io_uring; devices do without. */
int64_t answer_io_uring(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	const uint32_t known = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
	const __u64 *args = asked->data.args;
	struct io_uring_params params;
	struct iovec local = { &params, sizeof(params) };
	struct iovec remote = { (void *)(uintptr_t)args[1], sizeof(params) };
	int ring;

	if (!asker_read(sandbox, asked, args[1], &params, sizeof(params)))
		return -EFAULT;
	if (params.flags & ~known)
		return -EINVAL;
	ring = make_ring((uint32_t)args[0], &params);
	if (ring < 0)
		return ring == -ENOMEM ? ring : -ENOSYS;
	if (process_vm_writev((pid_t)asked->pid, &local, 1, &remote, 1, 0) !=
	    (ssize_t)sizeof(params)) {
		close(ring);
		return -EFAULT;
	}
	return asker_give(sandbox, asked, ring, true);
}
