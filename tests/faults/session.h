/* SPDX-License-Identifier: MIT */
/* The scenario on the bench and over a socket. */
#ifndef TESTS_FAULTS_SESSION_H
#define TESTS_FAULTS_SESSION_H

#include "scenario.h"
#include "stage.h"

struct outcome session_bench(struct stage *stage);
/* A client of the server that runs; with message_dma its memory is reached by message. */
struct outcome session_client(struct stage *stage, bool message_dma);
/* A server, from its start to its end. If it lives on after a failure, it serves the next. */
struct outcome session_served(struct stage *stage);
struct outcome session_by_message(struct stage *stage);

#endif
