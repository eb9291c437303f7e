/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <string.h>

static struct outcome refused(int ret, const struct riser_error *error)
{
	struct outcome outcome = { .ret = ret };

	memcpy(outcome.text, error->text, sizeof(outcome.text));
	return outcome;
}

struct outcome session_bench(struct stage *stage)
{
	struct riser_host_config config = { .size = sizeof(config),
					    .options = scenario_options,
					    .log = stage_log,
					    .log_arg = stage };
	struct riser_error error = { "" };
	struct riser_host *host;
	struct outcome outcome;
	int ret = riser_bench_create(stage->model, &config, &host, &error);

	if (ret)
		return refused(ret, &error);
	outcome = scenario_run(host, false);
	riser_host_destroy(host);
	return outcome;
}

struct outcome session_client(struct stage *stage, bool message_dma)
{
	struct riser_host_config config = { .size = sizeof(config),
					    .message_dma = message_dma };
	struct riser_error error = { "" };
	struct riser_host *host;
	struct outcome outcome;
	int ret = riser_client_create(stage->path, &config, &host, &error);

	if (ret)
		return refused(ret, &error);
	outcome = scenario_run(host, message_dma);
	riser_host_destroy(host);
	return outcome;
}

static struct outcome serve(struct stage *stage, bool message_dma)
{
	int ret = stage_serve(stage);
	struct outcome outcome, next;

	if (ret)
		return refused(ret, &stage->error);
	outcome = session_client(stage, message_dma);
	if (outcome.ret) {
		scenario_be_patient(LONG);
		next = session_client(stage, false);
		if (next.ret && !stage_is_over(stage))
			die("%s, then to the next client: %s", outcome.text, next.text);
	}
	stage_stop(stage);
	return outcome;
}

struct outcome session_served(struct stage *stage)
{
	return serve(stage, false);
}

struct outcome session_by_message(struct stage *stage)
{
	return serve(stage, true);
}
