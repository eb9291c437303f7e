/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scenario.h"

/* Not one that fails. */
extern __typeof__(pthread_create) __real_pthread_create;

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

struct riser_model *stage_model(void)
{
	struct riser_model *model;
	struct riser_error error;

	if (riser_model_from_export(riser_export(), &model, &error))
		die("%s", error.text);
	return model;
}

void stage_begin(struct stage *stage)
{
	char folder[] = "/tmp/riser-faults-XXXXXX";

	*stage = (struct stage){ .lock = PTHREAD_MUTEX_INITIALIZER,
				 .changed = PTHREAD_COND_INITIALIZER };
	if (!mkdtemp(folder))
		die("%s: %m", folder);
	snprintf(stage->path, sizeof(stage->path), "%s/s", folder);
	stage->model = stage_model();
}

void stage_end(struct stage *stage)
{
	riser_model_close(stage->model);
	*strrchr(stage->path, '/') = 0;
	if (rmdir(stage->path))
		die("%s: %m: the server left something", stage->path);
}

void stage_log(void *arg, enum riser_log_level level, const char *device, const char *line)
{
	struct stage *stage = arg;

	(void)device;
	if (getenv("RISER_FAULTS_LOG"))
		fprintf(stderr, "    %d %s\n", level, line);
	pthread_mutex_lock(&stage->lock);
	if (level <= RISER_WARN && !stage->lines++)
		snprintf(stage->line, sizeof(stage->line), "%s", line);
	pthread_mutex_unlock(&stage->lock);
}

void stage_forget_lines(struct stage *stage)
{
	pthread_mutex_lock(&stage->lock);
	stage->lines = 0;
	stage->line[0] = 0;
	pthread_mutex_unlock(&stage->lock);
}

unsigned stage_lines(struct stage *stage)
{
	unsigned lines;

	pthread_mutex_lock(&stage->lock);
	lines = stage->lines;
	pthread_mutex_unlock(&stage->lock);
	return lines;
}

static void tell(struct stage *stage, bool *what)
{
	pthread_mutex_lock(&stage->lock);
	*what = true;
	pthread_cond_broadcast(&stage->changed);
	pthread_mutex_unlock(&stage->lock);
}

static void serve(struct stage *stage)
{
	struct riser_server_config config = { .size = sizeof(config),
					      .socket_path = stage->path,
					      .options = scenario_options,
					      .log = stage_log,
					      .log_arg = stage };
	struct riser_server *server;

	stage->ret = riser_loop_create(&stage->loop);
	if (stage->ret) {
		snprintf(stage->error.text, sizeof(stage->error.text), "%s",
			 strerror(-stage->ret));
		return;
	}
	stage->ret =
		riser_server_create(stage->loop, stage->model, &config, &server, &stage->error);
	if (!stage->ret) {
		tell(stage, &stage->ready);
		stage->ret = riser_loop_run(stage->loop);
		if (stage->ret)
			snprintf(stage->error.text, sizeof(stage->error.text), "%s",
				 strerror(-stage->ret));
	}
	riser_server_destroy(server);
}

static void *run(void *arg)
{
	struct stage *stage = arg;

	serve(stage);
	tell(stage, &stage->over);
	return NULL;
}

int stage_serve(struct stage *stage)
{
	stage->ready = stage->over = false;
	stage->error.text[0] = 0;
	if (__real_pthread_create(&stage->thread, NULL, run, stage))
		die("no thread to be had");
	pthread_mutex_lock(&stage->lock);
	while (!stage->ready && !stage->over)
		pthread_cond_wait(&stage->changed, &stage->lock);
	pthread_mutex_unlock(&stage->lock);
	if (stage->ready)
		return 0;
	stage_stop(stage);
	return stage->ret;
}

bool stage_is_over(struct stage *stage)
{
	struct timespec until;
	bool over;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	pthread_mutex_lock(&stage->lock);
	while (!stage->over && !pthread_cond_timedwait(&stage->changed, &stage->lock, &until))
		;
	over = stage->over;
	pthread_mutex_unlock(&stage->lock);
	return over;
}

void stage_stop(struct stage *stage)
{
	if (stage->loop)
		riser_loop_stop(stage->loop);
	pthread_join(stage->thread, NULL);
	riser_loop_destroy(stage->loop);
	stage->loop = NULL;
}
