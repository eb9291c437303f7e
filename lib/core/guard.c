/* SPDX-License-Identifier: MIT */
/*
 * The only process-wide state of the library, and only where the program asked for it: a signal
 * handler has to find out to which mapping an address belongs.
 *
 * The lock may be taken in the handler: what is handled is a fault of the thread's own access
 * to guest memory, and no thread accesses that with the lock held.
 */
#include "core/guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include <riser/serve.h>

/*
 * Mappings that are kept for everything else in the process, and for the one more that the
 * kernel wants to be free when it puts memory in another's place.
 */
enum { RESERVE = 2048, MAPS_BY_DEFAULT = 65530 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct riser__guarded *all;
static size_t count, most; /* mappings */
static atomic_bool active;
static struct sigaction before;
atomic_uint riser__guard_breaks;

bool riser__guard_add(struct riser__guarded *guarded)
{
	bool room;

	if (!atomic_load_explicit(&active, memory_order_relaxed))
		return true;
	pthread_mutex_lock(&lock);
	room = count < most;
	if (room) {
		count++;
		guarded->next = all;
		guarded->link = &all;
		if (all)
			all->link = &guarded->next;
		all = guarded;
	}
	pthread_mutex_unlock(&lock);
	return room;
}

void riser__guard_remove(struct riser__guarded *guarded)
{
	if (!guarded->link)
		return;
	pthread_mutex_lock(&lock);
	count--;
	*guarded->link = guarded->next;
	if (guarded->next)
		guarded->next->link = guarded->link;
	guarded->link = NULL;
	pthread_mutex_unlock(&lock);
}

/* Shared memory does not count as the process's data, of which it may have less than this. */
static bool replace(struct riser__guarded *guarded)
{
	const int flags = MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	const int prot = PROT_READ | PROT_WRITE;

	if (mmap(guarded->base, guarded->size, prot, MAP_SHARED | flags, -1, 0) == MAP_FAILED &&
	    mmap(guarded->base, guarded->size, prot, MAP_PRIVATE | flags, -1, 0) == MAP_FAILED)
		return false;
	atomic_store(&guarded->replaced, true);
	return true;
}

bool riser__guard_replace(struct riser__guarded *guarded)
{
	bool done;

	pthread_mutex_lock(&lock);
	done = replace(guarded);
	pthread_mutex_unlock(&lock);
	return done;
}

/* Whether the access may be tried again. */
static bool mend(const void *address)
{
	struct riser__guarded *at;
	bool mended = false;

	pthread_mutex_lock(&lock);
	for (at = all; at; at = at->next) {
		if ((size_t)((const char *)address - (const char *)at->base) < at->size)
			break;
	}
	if (at && atomic_load(&at->replaced)) {
		mended = true; /* another thread was faster */
	} else if (at && replace(at)) {
		atomic_store(&at->broken, true);
		atomic_fetch_add(&riser__guard_breaks, 1);
		mended = true;
	}
	pthread_mutex_unlock(&lock);
	return mended;
}

/* To the handler from before; by default the repeated access ends the process. */
static void pass_on(int number, siginfo_t *info, void *context)
{
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(number, info, context);
	} else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(number);
	} else if (before.sa_handler == SIG_DFL || info->si_code > 0) {
		signal(number, SIG_DFL);
		if (info->si_code <= 0)
			raise(number); /* delivered at the return: it was sent to us */
	}
}

static void handle(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	if (info->si_code != BUS_ADRERR || !mend(info->si_addr))
		pass_on(number, info, context);
	errno = saved;
}

/* How many mappings the kernel lets a process have. */
static size_t maps_allowed(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	size_t allowed;

	if (!file || fscanf(file, "%zu", &allowed) != 1)
		allowed = MAPS_BY_DEFAULT;
	if (file)
		fclose(file);
	return allowed;
}

int riser_memory_guard(void)
{
	struct sigaction action = { .sa_sigaction = handle,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK };
	size_t allowed = maps_allowed();
	int ret = 0;

	pthread_mutex_lock(&lock);
	if (!atomic_load(&active)) {
		most = allowed > 2 * RESERVE ? allowed - RESERVE : allowed / 2;
		sigemptyset(&action.sa_mask);
		ret = sigaction(SIGBUS, NULL, &before) || sigaction(SIGBUS, &action, NULL)
			      ? -errno
			      : 0;
		atomic_store(&active, !ret);
	}
	pthread_mutex_unlock(&lock);
	return ret;
}
