/* SPDX-License-Identifier: MIT */
/* A device on a socket: listening, one client at a time, and the end of both. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach/vfio_user/server.h"
#include "attach/vfio_user/socket.h"
#include "core/model.h"

#define server_of(source_, member)                                                             \
	((struct riser_server *)((char *)(source_)-offsetof(struct riser_server, member)))

/* The next client finds the device as if it had just been plugged in. */
static void disconnect(struct riser_server *s)
{
	struct vu_connection *c = &s->connection;

	if (!s->connected)
		return;
	vu_log(s, RISER_INFO, "client: disconnected%s%s", c->why ? ": " : "",
	       c->why ? c->why : "");
	riser__loop_remove(s->loop, &s->client);
	vu_connection_fini(c);
	s->connected = false;
	s->negotiated = false;
	s->dma_layout = VU_LAYOUT_UNKNOWN;
	vu_irqs_unbind(s);
	riser__dma_table_clear(s->dma);
	vu_migration_reset(s);
	riser__dev_reset(s->dev, RISER_RESET_DEVICE);
}

void vu_pump(struct riser_server *s)
{
	struct vu_connection *c = &s->connection;
	bool all;
	long left;

	if (!s->connected)
		return;
	vu_end_exchange(c);
	do {
		all = vu_dispatch(s);
		left = vu_flush(c);
	} while (!all && !left && !c->broken);
	if (c->broken || left < 0)
		disconnect(s);
	else /* while the client does not take its replies nothing more is read */
		riser__loop_modify(s->loop, &s->client, left ? EPOLLOUT : EPOLLIN);
}

static void client_ready(struct riser__source *source, uint32_t events)
{
	struct riser_server *s = server_of(source, client);

	s->thread = pthread_self();
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		vu_receive(&s->connection);
	vu_pump(s);
}

static int serve_client(struct riser_server *s, int fd)
{
	int ret = vu_connection_init(&s->connection, fd);

	if (!ret) {
		s->client.fd = fd;
		s->client.ready = client_ready;
		ret = riser__loop_add(s->loop, &s->client, EPOLLIN);
	}
	if (ret) {
		vu_connection_fini(&s->connection);
		return ret;
	}
	s->thread = pthread_self();
	s->connected = true;
	vu_log(s, RISER_INFO, "client: connected");
	return 0;
}

static void listener_ready(struct riser__source *source, uint32_t events)
{
	struct riser_server *s = server_of(source, listener);
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);
	int ret;

	(void)events;
	if (fd < 0)
		return;
	if (s->connected) {
		vu_log(s, RISER_WARN, "client: another one was turned away: one at a time");
		close(fd);
		return;
	}
	ret = serve_client(s, fd);
	if (ret)
		vu_log(s, RISER_ERROR, "client: cannot be served: %s", strerror(-ret));
}

static int open_socket(struct riser_server *s, const struct riser_server_config *config,
		       struct riser_error *error)
{
	int listens = 1, ret;
	socklen_t size = sizeof(listens);

	s->listener.fd = config->socket_fd;
	if (config->socket_path) {
		s->listener.fd = vu_listen(config->socket_path, error);
		if (s->listener.fd < 0)
			return s->listener.fd;
		s->path = strdup(config->socket_path);
	}
	if (getsockopt(s->listener.fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size))
		return riser__fail(error, -errno, "descriptor %d: not a socket: %s",
				   s->listener.fd, strerror(errno));
	if (!listens) {
		int fd = s->listener.fd;

		s->listener.fd = -1;
		ret = serve_client(s, fd);
	} else {
		s->listener.ready = listener_ready;
		ret = riser__loop_add(s->loop, &s->listener, EPOLLIN);
		s->listening = !ret;
	}
	return ret ? riser__fail(error, ret, "cannot serve the socket: %s", strerror(-ret)) : 0;
}

static int start(struct riser_server *s, struct riser_model *model,
		 const struct riser_server_config *config, struct riser_error *error)
{
	int ret;

	s->listener.fd = config->socket_path ? -1 : config->socket_fd;
	pthread_mutex_init(&s->dma_lock, NULL);
	pthread_cond_init(&s->dma_done, NULL);
	ret = riser__dma_table_create(VU_MAX_DMA_MAPS, &s->dma);
	if (!ret)
		ret = vu_host_init(s);
	if (ret)
		return riser__fail(error, ret, "%s: cannot be served: %s", model->pci.name,
				   strerror(-ret));
	s->migration.state = VU_STATE_RUNNING;
	ret = riser__dev_create(model, config->options, &vu_host_ops, s, s->trace, error,
				&s->dev);
	if (ret)
		return ret;
	ret = vu_irqs_init(s);
	if (ret)
		return riser__fail(error, ret, "%s: no memory for its interrupts",
				   model->pci.name);
	return open_socket(s, config, error);
}

int riser_server_create(struct riser_loop *loop, struct riser_model *model,
			const struct riser_server_config *config, struct riser_server **server,
			struct riser_error *error)
{
	struct riser_server *s = calloc(1, sizeof(*s));
	int ret;

	*server = NULL;
	if (!s)
		return riser__fail(error, -ENOMEM, "%s: no memory for a server",
				   model->pci.name);
	s->loop = loop;
	s->log = config->log;
	s->log_arg = config->log_arg;
	s->trace = config->trace;
	s->thread = pthread_self();
	s->timer.fd = s->wake.fd = -1;
	ret = start(s, model, config, error);
	if (ret)
		riser_server_destroy(s);
	else
		*server = s;
	return ret;
}

void riser_server_destroy(struct riser_server *server)
{
	if (!server)
		return;
	if (server->listening)
		riser__loop_remove(server->loop, &server->listener);
	if (server->listener.fd >= 0)
		close(server->listener.fd);
	if (server->path)
		unlink(server->path);
	free(server->path);
	vu_fail_dma_jobs(server);
	if (server->dev)
		disconnect(server);
	riser__dev_destroy(server->dev);
	vu_irqs_fini(server);
	vu_host_fini(server);
	riser__dma_table_destroy(server->dma);
	riser__buffer_free(&server->migration.data);
	pthread_cond_destroy(&server->dma_done);
	pthread_mutex_destroy(&server->dma_lock);
	free(server);
}
