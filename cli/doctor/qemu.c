/* SPDX-License-Identifier: MIT */
/* The QEMUs that there are: of which version, and whether they have the vfio-user client. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "doctor/doctor.h"
#include "process.h"

enum { PATIENCE_S = 20 };

/* What it says when it is asked `words`; NULL if it cannot be started at all. */
static char *ask(const char *program, const char *word, const char *value, int *status)
{
	char *words[] = { (char *)program, (char *)word, (char *)value, NULL };
	struct process_config config = {
		.words = words, .streams = PROCESS_ALL, .group = true, .trouble = ""
	};

	return process_ask(&config, PATIENCE_S, status);
}

/* "QEMU emulator version 11.1.3 (Debian …": 11.1.3; malloc'ed. */
static char *version_in(const char *said)
{
	const char *at = said ? strstr(said, "version ") : NULL;
	size_t length;

	if (!at)
		return NULL;
	at += strlen("version ");
	length = strspn(at, "0123456789.");
	return length ? text("%.*s", (int)length, at) : NULL;
}

bool qemu_ask(struct report *report, const char *what, const char *program, struct qemu *qemu)
{
	int status = 0;
	char *said = ask(program, "--version", NULL, &status);

	*qemu = (struct qemu){ .version = version_in(said) };
	if (!qemu->version) {
		if (said)
			said[strcspn(said, "\n")] = '\0';
		report_problem(report, what, "%s is no QEMU that starts here: %s", program,
			       said && *said	     ? said
			       : WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
						     : "it tells no version");
		free(said);
		return false;
	}
	free(said);
	said = ask(program, "-device", "help", &status);
	qemu->vfio_user = said && strstr(said, "\"vfio-user-pci\"");
	qemu->program = text("%s", program);
	free(said);
	return true;
}

void qemu_forget(struct qemu *qemu)
{
	free(qemu->program);
	free(qemu->version);
}

/* The QEMU that 'riser run' has fetched; malloc'ed, or NULL. */
static char *cached(void)
{
	static const char key[] = "QEMU=";
	char *folder = cache_folder(), *manifest = text("%s/manifest", folder);
	FILE *file = fopen(manifest, "re");
	char *line = NULL, *found = NULL;
	size_t size = 0;

	while (file && !found && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, key, sizeof(key) - 1))
			found = text("%s", line + sizeof(key) - 1);
	}
	if (file)
		fclose(file);
	free(line);
	free(manifest);
	free(folder);
	return found;
}

static bool check_one(struct report *report, const char *what, const char *program)
{
	struct qemu qemu;
	bool can = false;

	if (qemu_ask(report, what, program, &qemu)) {
		can = qemu.vfio_user;
		if (can)
			report_ok(what, "%s is QEMU %s, has vfio-user-pci", program,
				  qemu.version);
		else
			report_warning(
				report, what,
				"%s is QEMU %s, which has no vfio-user-pci: 10.1 or "
				"newer is needed, built with it; 'riser run' fetches one",
				program, qemu.version);
	}
	qemu_forget(&qemu);
	return can;
}

void check_qemus(struct report *report)
{
	static const char *const usual[] = { "qemu-system-x86_64", "qemu-kvm",
					     "/usr/libexec/qemu-kvm" };
	const char *named = getenv("RISER_QEMU");
	char *fetched = cached();
	unsigned able = 0, seen = 0;

	if (named && *named) {
		able += check_one(report, "RISER_QEMU", named);
		seen++;
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		char *path = program_find(usual[i]);

		if (path) {
			able += check_one(report, "QEMU", path);
			seen++;
		}
		free(path);
	}
	if (fetched) {
		able += check_one(report, "cached QEMU", fetched);
		seen++;
	}
	if (!seen)
		report_warning(report, "QEMU", "there is none yet; 'riser run' fetches one");
	else if (!able && fetched)
		report_problem(report, "QEMU",
			       "none has vfio-user-pci; mend: install qemu-system-x86 10.1 or "
			       "newer, or remove the cache and let 'riser run' fetch one");
	free(fetched);
}
