/* SPDX-License-Identifier: MIT */
/* A device that tries what no device may: `try` says what. It tells how that went. */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <riser/riser.h>

struct intruder {
	const char *try, *path, *secret, *named, *pipe, *socket;
	uint32_t port, pid;
};

/* What the sandbox asks for is told by whoever is loaded: this is not true. */
__attribute__((constructor)) static void lie(void)
{
	static const char lies[] = "3 - /etc/shadow\0" /* the literal's own zero ends these: */
				   "1 -/shadow /etc";

	if (getenv("RISER_TEST_LIE") && write(STDOUT_FILENO, lies, sizeof(lies)) < 0)
		_exit(1);
}

static int use(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd;
}

/* ---- What is tried: negative, with errno, where it fails ---- */

static int try_open(const struct intruder *i)
{
	return use(open(i->path, O_RDONLY));
}

static int try_write(const struct intruder *i)
{
	return use(open(i->path, O_WRONLY));
}

static int try_create(const struct intruder *i)
{
	return use(open(i->path, O_WRONLY | O_CREAT, 0600));
}

/* Its own default, which no user has named. */
static int try_secret(const struct intruder *i)
{
	return use(open(i->secret, O_RDONLY));
}

static int try_named(const struct intruder *i)
{
	return use(open(i->named, O_RDWR));
}

/* The user's word and one of its own. */
static int try_added(const struct intruder *i)
{
	char path[256];

	snprintf(path, sizeof(path), "%s.key", i->pipe);
	return use(open(path, O_RDONLY | O_NONBLOCK));
}

/* From a folder that it may open. */
static int try_folder(const struct intruder *i)
{
	int folder = open("/proc/self", O_RDONLY | O_DIRECTORY);

	return folder < 0 ? 0 : use(openat(folder, i->path, O_RDONLY));
}

/* What it has for reading only it has for no more, by whatever name. */
static int try_again(const struct intruder *i)
{
	int memory = memfd_create("memory", 0), fd = -1;
	char link[32];

	(void)i;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", memory);
	fd = open(link, O_RDONLY);
	if (fd < 0 || use(open(link, O_RDWR)) < 0)
		return 0;
	snprintf(link, sizeof(link), "/dev/fd/%d", fd);
	return use(open(link, O_RDWR));
}

static int try_own_memory(const struct intruder *i)
{
	char link[32];

	(void)i;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", memfd_create("memory", 0));
	return use(open(link, O_RDWR));
}

/* What whoever started it has open. */
static int try_left(const struct intruder *i)
{
	(void)i;
	return fcntl(9, F_GETFD);
}

static int try_list(const struct intruder *i)
{
	return use(open(i->path, O_RDONLY | O_DIRECTORY));
}

/* By a system call of its own, on a thread that blocks all signals. */
static void *open_there(void *arg)
{
	const struct intruder *i = arg;
	struct {
		uint64_t flags, mode, resolve;
	} how = { 0 };
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	return (void *)(intptr_t)(syscall(SYS_openat2, AT_FDCWD, i->path, &how, sizeof(how)) < 0
					  ? -errno
					  : 0);
}

static int try_thread(const struct intruder *i)
{
	pthread_t thread;
	void *result;

	if (pthread_create(&thread, NULL, open_there, (void *)(uintptr_t)i))
		return -1;
	pthread_join(thread, &result);
	errno = -(int)(intptr_t)result;
	return errno ? -1 : 0;
}

static int try_tcp(const struct intruder *i)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)i->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? fd : connect(fd, (struct sockaddr *)&to, sizeof(to));
}

static int connect_unix(const char *path, bool abstract)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(to.sun_path + abstract, sizeof(to.sun_path) - 1, "%s", path);
	return fd < 0 ? fd
		      : connect(fd, (struct sockaddr *)&to,
				(socklen_t)(offsetof(struct sockaddr_un, sun_path) + abstract +
					    strlen(path)));
}

static int try_unix(const struct intruder *i)
{
	return connect_unix(i->path, false);
}

static int try_given_unix(const struct intruder *i)
{
	return connect_unix(i->socket, false);
}

static int try_abstract(const struct intruder *i)
{
	return connect_unix(i->path, true);
}

static int try_datagram(const struct intruder *i)
{
	(void)i;
	return use(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int end_child(pid_t pid)
{
	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid;
}

static int try_fork(const struct intruder *i)
{
	(void)i;
	return end_child(fork());
}

static int try_vfork(const struct intruder *i)
{
	(void)i;
	return end_child((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int try_exec(const struct intruder *i)
{
	char *const words[] = { "true", NULL };

	(void)i;
	return execv("/bin/true", words);
}

static int try_ptrace(const struct intruder *i)
{
	return ptrace(PTRACE_SEIZE, (pid_t)i->pid, 0, 0) < 0 ? -1 : 0;
}

static int try_kill(const struct intruder *i)
{
	return kill((pid_t)i->pid, SIGTERM);
}

/* The kernel signals whoever is said to own a descriptor. */
static int try_own(const struct intruder *i)
{
	return fcntl(STDIN_FILENO, F_SETOWN, (int)i->pid);
}

static int try_unlink(const struct intruder *i)
{
	return unlink(i->path);
}

static int try_chmod(const struct intruder *i)
{
	return chmod(i->path, 0666);
}

/* Of what it has open, by descriptor: all that is known of a file but its contents. */
static int try_fchmod(const struct intruder *i)
{
	return fchmod(open(i->path, O_RDONLY), 0777);
}

static int try_fchown(const struct intruder *i)
{
	return fchown(open(i->path, O_RDONLY), 1, 1);
}

static int try_times(const struct intruder *i)
{
	return futimens(open(i->path, O_RDONLY), NULL);
}

static int try_attribute(const struct intruder *i)
{
	return fsetxattr(open(i->path, O_RDONLY), "user.riser", "x", 1, 0);
}

static int try_fchmodat(const struct intruder *i)
{
	return (int)syscall(452, open(i->path, O_RDONLY), "", 0777, AT_EMPTY_PATH);
}

static int try_rename(const struct intruder *i)
{
	return rename(i->path, "/tmp/riser-renamed");
}

static int try_hard_link(const struct intruder *i)
{
	return linkat(open(i->path, O_RDONLY), "", AT_FDCWD, "/tmp/riser-linked",
		      AT_EMPTY_PATH);
}

static int try_link(const struct intruder *i)
{
	return symlink("/etc/shadow", i->path);
}

static int try_type(const struct intruder *i)
{
	(void)i;
	return ioctl(STDIN_FILENO, TIOCSTI, "x");
}

/* A ring does what it is told by the kernel: it must not open files. */
static int try_ring(const struct intruder *i)
{
	struct io_uring_params params = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
	char *sq, *cq;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;

	if (ring < 0)
		return ring;
	sq = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	sqe = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqe == MAP_FAILED)
		return -1;
	*sqe = (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
				      .fd = AT_FDCWD,
				      .addr = (uintptr_t)i->path };
	((uint32_t *)(sq + params.sq_off.array))[0] = 0;
	*(uint32_t *)(sq + params.sq_off.tail) += 1;
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -1;
	cqe = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
	errno = -cqe->res;
	return cqe->res;
}

static int try_memory(const struct intruder *i)
{
	void *memory = mmap(NULL, (size_t)8 << 30, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)i;
	return memory == MAP_FAILED ? -1 : 0;
}

static int try_limit(const struct intruder *i)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)i;
	return setrlimit(RLIMIT_DATA, &all);
}

/*
 * What the warden reads of a device: any arguments to each call that it answers. It has to be
 * there afterwards.
 */
static int try_garbage(const struct intruder *i)
{
	static const long calls[] = { SYS_openat,   SYS_openat2,	SYS_execve,
				      SYS_unlinkat, SYS_socket,		SYS_bind,
				      SYS_connect,  SYS_io_uring_setup, SYS_execveat,
				      SYS_ptrace,   SYS_fcntl,		-1,
				      100000 };
	static char longest[8192];
	char *page =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *edge = page + 4096;
	const long values[] = { 0,
				-1,
				1,
				4096,
				(long)longest,
				(long)i->path,
				(long)(edge - 1),
				(long)(edge - 3),
				(long)"\n\033[2J",
				INT32_MIN };
	enum { VALUES = sizeof(values) / sizeof(*values) };

	memset(longest, 'x', sizeof(longest));
	memset(page, 1, 4096);
	munmap(edge, 4096);
	for (size_t call = 0; call < sizeof(calls) / sizeof(*calls); call++) {
		for (unsigned n = 0; n < VALUES * VALUES * VALUES; n++)
			syscall(calls[call], values[n % VALUES], values[n / VALUES % VALUES],
				values[n / VALUES / VALUES], values[n * 7 % VALUES], 0, 0);
	}
	return use(open("/dev/null", O_RDWR));
}

/* ---- */

static const struct {
	const char *name;
	int (*try)(const struct intruder *);
} tries[] = {
	{ "open", try_open },
	{ "write", try_write },
	{ "create", try_create },
	{ "secret", try_secret },
	{ "named", try_named },
	{ "list", try_list },
	{ "thread", try_thread },
	{ "tcp", try_tcp },
	{ "unix", try_unix },
	{ "abstract", try_abstract },
	{ "datagram", try_datagram },
	{ "fork", try_fork },
	{ "vfork", try_vfork },
	{ "exec", try_exec },
	{ "ptrace", try_ptrace },
	{ "kill", try_kill },
	{ "own", try_own },
	{ "unlink", try_unlink },
	{ "chmod", try_chmod },
	{ "link", try_link },
	{ "type", try_type },
	{ "ring", try_ring },
	{ "memory", try_memory },
	{ "limit", try_limit },
	{ "garbage", try_garbage },
	{ "added", try_added },
	{ "folder", try_folder },
	{ "again", try_again },
	{ "memory_own", try_own_memory },
	{ "left", try_left },
	{ "fchmod", try_fchmod },
	{ "fchown", try_fchown },
	{ "times", try_times },
	{ "attribute", try_attribute },
	{ "fchmodat", try_fchmodat },
	{ "rename", try_rename },
	{ "hard_link", try_hard_link },
	{ "unix_given", try_given_unix },
};

static int init(struct riser_dev *dev)
{
	const struct intruder *intruder = riser_state(dev);

	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		if (strcmp(tries[i].name, intruder->try))
			continue;
		if (tries[i].try(intruder) < 0)
			return riser_fail(dev, -errno, "%s stopped: %m", tries[i].name);
		return riser_fail(dev, -EINVAL, "%s got through", tries[i].name);
	}
	return riser_fail(dev, -EINVAL, "there is no '%s' to be tried", intruder->try);
}

static const struct riser_reach pipes[] = { { "@", RISER_READS | RISER_CREATES, ".key" } };
static const struct riser_reach sockets[] = { { "@", RISER_CONNECTS } };

static const struct riser_option options[] = {
	{ RISER_OPTION(STRING, struct intruder, try), .required = true },
	{ RISER_OPTION(STRING, struct intruder, path), .value = "/etc/shadow" },
	{ RISER_OPTION(PATH, struct intruder, secret), .value = "/etc/shadow" },
	{ RISER_OPTION(PATH, struct intruder, named) },
	{ RISER_OPTION(STRING, struct intruder, pipe), .reaches = RISER_REACHES(pipes) },
	{ RISER_OPTION(STRING, struct intruder, socket), .reaches = RISER_REACHES(sockets) },
	{ RISER_OPTION(U32, struct intruder, port) },
	{ RISER_OPTION(U32, struct intruder, pid) },
};

static const struct riser_pci_device intruder = {
	.size = sizeof(intruder),
	.name = "intruder",
	.id = { .vendor = 0x1234, .device = 0x00b6, .class_code = 0x00ff00 },
	.state_size = sizeof(struct intruder),
	.options = RISER_OPTIONS(options),
	.init = init,
};

RISER_EXPORT(intruder);
