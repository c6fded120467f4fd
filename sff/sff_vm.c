#include "sff_vm.h"
#include "sff_hv_message.h"

#include "sfc_group.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Where the lifeline's read end stands in a runner. */
#define LIFELINE_FD 3
/* Time a runner has to end after it was asked, and how often we look. */
#define STOP_MS  1000
#define LOOK_MS  5
#define MAX_ARGV (2 * HV_MAX_ARGS + 32)

extern char **environ;

static const char *const runtime_names[] = {
	[SFC_RUNTIME_AUTO] = "auto",
	[SFC_RUNTIME_KVM] = "kvm",
	[SFC_RUNTIME_PROCESS] = "process",
};

static uint64_t
monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Folder of this program: hv stands beside it, images under ../lib/sluice/vnf. */
static int
program_dir(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);

	if (n < 0)
		return -errno;
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return 0;
}

static int
image_path(const struct sfc_instance *instance, const char *dir, char *path, size_t size, char *err,
	int err_size)
{
	struct stat st;

	if (instance->image[0] == '/')
		snprintf(path, size, "%s", instance->image);
	else
		snprintf(path, size, "%s/../lib/sluice/vnf/%s", dir, instance->image);
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0)
		return 0;
	snprintf(err, (size_t)err_size, "instance '%s': image '%s' is not a readable file (looked at %s)",
		instance->name, instance->image, path);
	return -ENOENT;
}

/* FNV-1a over what makes two runs of an instance the same, so that only the same VM is adopted. */
static uint64_t
identity(const struct sfc_instance *instance, const char *image, const char *runtime)
{
	uint64_t hash = 0xcbf29ce484222325u;
	char memory[16];
	const char *part[4] = {instance->name, image, runtime, memory};

	snprintf(memory, sizeof(memory), "%u", instance->memory_mib);
	for (unsigned int i = 0; i < 4 + instance->n_args; i++) {
		const char *text = i < 4 ? part[i] : instance->arg[i - 4];

		do
			hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
		while (*text++ != '\0');
	}
	return hash;
}

static int
spawn(struct sff_vms *vms, struct sff_vm *vm, const char *dir, const char *image, const char *runtime)
{
	char hv[PATH_MAX + 8], memory[16], pairs[16], mac[24], start[24];
	char *argv[MAX_ARGV];
	int n = 0, pipe_fd[2], rc;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;

	snprintf(hv, sizeof(hv), "%s/hv", dir);
	snprintf(memory, sizeof(memory), "%u", vm->instance->memory_mib);
	snprintf(pairs, sizeof(pairs), "%u", vms->conf.pairs);
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", vm->mac[0], vm->mac[1], vm->mac[2],
		vm->mac[3], vm->mac[4], vm->mac[5]);
	argv[n++] = hv;
	argv[n++] = "run";
	argv[n++] = strdupa(image);
	argv[n++] = "--memory";
	argv[n++] = memory;
	argv[n++] = "--net";
	argv[n++] = vm->socket_net;
	argv[n++] = "--control";
	argv[n++] = vm->socket_control;
	argv[n++] = "--runtime";
	argv[n++] = strdupa(runtime);
	argv[n++] = "--pairs";
	argv[n++] = pairs;
	argv[n++] = "--mac";
	argv[n++] = mac;
	for (unsigned int i = 0; i < vm->instance->n_args; i++) {
		argv[n++] = "--arg";
		argv[n++] = vm->instance->arg[i];
	}
	if (vms->lifeline[0] >= 0) {
		argv[n++] = "--lifeline";
		argv[n++] = "3";
	}
	if (vms->conf.stamps) {
		argv[n++] = "--stamps";
		argv[n++] = "on";
	}
	argv[n++] = "--start-ns";
	argv[n++] = start;
	argv[n] = NULL;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return -errno;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDERR_FILENO);
	if (vms->lifeline[0] >= 0)
		posix_spawn_file_actions_adddup2(&actions, vms->lifeline[0], LIFELINE_FD);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	snprintf(start, sizeof(start), "%llu", (unsigned long long)monotonic_ns());
	rc = posix_spawn(&vm->pid, hv, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fd[1]);
	if (rc != 0) {
		close(pipe_fd[0]);
		return -rc;
	}
	fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
	vm->text_fd = pipe_fd[0];
	return 0;
}

static enum sfc_runtime
runtime_of(const struct sff_vms *vms, const struct sfc_instance *instance)
{
	return vms->conf.runtime >= 0 ? (enum sfc_runtime)vms->conf.runtime : instance->runtime;
}

static int
start(struct sff_vms *vms, struct sff_vm *vm, bool adopt, char *err, int err_size)
{
	enum sfc_runtime runtime = runtime_of(vms, vm->instance);
	char dir[PATH_MAX], image[2 * PATH_MAX];
	int rc = program_dir(dir, sizeof(dir));

	if (rc != 0) {
		snprintf(err, (size_t)err_size, "cannot start VMs: %s", strerror(-rc));
		return rc;
	}
	rc = image_path(vm->instance, dir, image, sizeof(image), err, err_size);
	if (rc != 0)
		return rc;
	vm->id = identity(vm->instance, image, runtime_names[runtime]);
	rc = snprintf(vm->socket_net, sizeof(vm->socket_net), "%s/%016llx.net", vms->conf.run_dir,
		(unsigned long long)vm->id);
	snprintf(vm->socket_control, sizeof(vm->socket_control), "%s/%016llx.ctl", vms->conf.run_dir,
		(unsigned long long)vm->id);
	if (rc >= (int)sizeof(vm->socket_net)) {
		snprintf(err, (size_t)err_size, "instance '%s': socket path %s/... is longer than %zu bytes",
			vm->name, vms->conf.run_dir, sizeof(vm->socket_net) - 1);
		return -ENAMETOOLONG;
	}
	vm->control = adopt ? sff_hv_connect(vm->socket_control) : -1;
	if (vm->control >= 0) {
		vm->adopted = true;
		return 0;
	}
	vm->control = -1;
	rc = spawn(vms, vm, dir, image, runtime_names[runtime]);
	if (rc != 0)
		snprintf(err, (size_t)err_size, "instance '%s': cannot start the runner %s/hv: %s", vm->name,
			dir, strerror(-rc));
	return rc;
}

static struct sff_vm *
find(const struct sff_vms *vms, const struct sfc_instance *instance, bool leaving)
{
	char dir[PATH_MAX], image[2 * PATH_MAX], err[8];
	uint64_t id;

	if (program_dir(dir, sizeof(dir)) != 0 ||
		image_path(instance, dir, image, sizeof(image), err, sizeof(err)) != 0)
		return NULL;
	id = identity(instance, image, runtime_names[runtime_of(vms, instance)]);
	for (unsigned int i = 0; i < vms->n; i++)
		if (vms->vm[i].state != SFF_VM_NONE && vms->vm[i].leaving == leaving && vms->vm[i].id == id)
			return &vms->vm[i];
	return NULL;
}

struct sff_vm *
sff_vms_find(const struct sff_vms *vms, const struct sfc_instance *instance)
{
	return find(vms, instance, false);
}

bool
sff_vms_leaving(const struct sff_vms *vms, const struct sfc_instance *instance)
{
	return find(vms, instance, true) != NULL;
}

int
sff_vms_add(struct sff_vms *vms, const struct sfc_config *config, unsigned int index, struct sff_vm **added,
	char *err, int err_size)
{
	const struct sfc_instance *instance = &config->instance[index];
	uint64_t name = sfc_name_hash(instance->name);
	struct sff_vm *vm = vms->vm;
	int rc;

	while (vm < vms->vm + vms->n && vm->state != SFF_VM_NONE)
		vm++;
	if (vm == vms->vm + SFF_VMS_MAX) {
		snprintf(err, (size_t)err_size, "instance '%s': %u VMs at most", instance->name, SFF_VMS_MAX);
		return -ENOSPC;
	}
	*vm = (struct sff_vm){
		.instance = instance,
		.index = (uint16_t)index,
		/* Locally administered (IEEE 802, bit 1 of the first byte), the instance's whatever stands
	         * around it in the file. */
		.mac = {0x02, 0x56, (uint8_t)(name >> 24), (uint8_t)(name >> 16), (uint8_t)(name >> 8),
			(uint8_t)name},
		.control = -1,
		.text_fd = -1,
	};
	snprintf(vm->name, sizeof(vm->name), "%s", instance->name);
	rc = start(vms, vm, true, err, err_size);
	if (rc != 0) {
		vm->state = SFF_VM_NONE;
		return rc;
	}
	if (vm == vms->vm + vms->n)
		vms->n++;
	*added = vm;
	return 0;
}

int
sff_vms_start(const struct sfc_config *config, int node, const struct sff_vms_conf *conf, struct sff_vms *vms,
	char *err, int err_size)
{
	struct sff_vm *vm;
	int rc = 0;

	*vms = (struct sff_vms){.conf = *conf, .lifeline = {-1, -1}};
	vms->vm = calloc(SFF_VMS_MAX, sizeof(vms->vm[0]));
	if (vms->vm == NULL)
		rc = -ENOMEM;
	if (rc == 0 && conf->die_with_us && pipe2(vms->lifeline, O_CLOEXEC) != 0)
		rc = -errno;
	if (rc != 0) {
		snprintf(err, (size_t)err_size, "cannot start VMs: %s", strerror(-rc));
		return rc;
	}
	for (unsigned int i = 0; rc == 0 && i < config->n_instances; i++)
		if (config->instance[i].node == node && !config->instance[i].attach.present)
			rc = sff_vms_add(vms, config, i, &vm, err, err_size);
	if (rc != 0)
		sff_vms_stop(vms);
	return rc;
}

void
sff_vm_forget(struct sff_vm *vm)
{
	if (vm->control >= 0)
		close(vm->control);
	if (vm->text_fd >= 0)
		close(vm->text_fd);
	if (vm->shared != NULL)
		munmap((void *)(uintptr_t)vm->shared, HV_SHARED_SIZE);
	vm->control = vm->text_fd = -1;
	vm->shared = NULL;
}

int
sff_vms_restart(struct sff_vms *vms, struct sff_vm *vm, char *err, int err_size)
{
	int rc;

	sff_vm_forget(vm);
	vm->state = SFF_VM_STARTING;
	vm->adopted = vm->said = false;
	vm->pid = 0;
	vm->exit_code = 0;
	vm->boot_us = 0;
	vm->text_size = 0;
	memset(vm->text, 0, sizeof(vm->text));
	/* Nobody to adopt: what still listens there is about to end. */
	unlink(vm->socket_net);
	unlink(vm->socket_control);
	rc = start(vms, vm, false, err, err_size);
	if (rc != 0)
		vm->state = SFF_VM_ENDED;
	return rc;
}

void
sff_vm_stop(struct sff_vm *vm)
{
	/* An adopted runner is not our child: it is asked over its socket, and never signalled by a pid it
	 * told us. */
	if (vm->adopted && vm->control >= 0)
		sff_hv_send_stop(vm->control);
	else if (!vm->adopted && vm->pid > 0)
		kill(vm->pid, SIGTERM);
}

void
sff_vm_kill(struct sff_vm *vm)
{
	if (!vm->adopted && vm->pid > 0) {
		kill(vm->pid, SIGKILL);
		return;
	}
	if (!vm->adopted || vm->control < 0)
		return;
	sff_hv_send_stop(vm->control);
	close(vm->control);
	vm->control = -1;
	vm->state = SFF_VM_ENDED;
	vm->exit_code = HV_EXIT_DONE;
}

static void
read_text(struct sff_vm *vm)
{
	char buffer[512];
	ssize_t n;

	while ((n = read(vm->text_fd, buffer, sizeof(buffer))) > 0) {
		/* The beginning says why: what comes after the buffer is full is dropped. */
		size_t room = sizeof(vm->text) - 1 - vm->text_size;
		size_t take = (size_t)n < room ? (size_t)n : room;

		memcpy(vm->text + vm->text_size, buffer, take);
		vm->text_size += (uint32_t)take;
	}
	if (n == 0 || errno != EAGAIN) {
		close(vm->text_fd);
		vm->text_fd = -1;
	}
}

static void
ended(struct sff_vm *vm, int exit_code)
{
	vm->state = SFF_VM_ENDED;
	vm->exit_code = exit_code;
	if (vm->text_fd >= 0)
		read_text(vm);
}

/* Is a child gone? */
static void
reap(struct sff_vm *vm)
{
	int status;

	if (vm->adopted || vm->pid <= 0 || waitpid(vm->pid, &status, WNOHANG) != vm->pid)
		return;
	vm->pid = 0;
	ended(vm, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void
read_control(struct sff_vm *vm)
{
	struct sff_hv_message message;
	int rc = sff_hv_receive(vm->control, &message);

	if (rc == -EAGAIN)
		return;
	if (rc != 0) {
		close(vm->control);
		vm->control = -1;
		if (vm->adopted)
			ended(vm, HV_EXIT_DONE);
		else if (vm->state == SFF_VM_READY)
			ended(vm, 0); /* its exit code follows with the child */
		return;
	}
	if (message.shared_fd < 0)
		return;
	if (vm->shared == NULL) {
		void *map = mmap(NULL, HV_SHARED_SIZE, PROT_READ, MAP_SHARED, message.shared_fd, 0);

		if (map != MAP_FAILED)
			vm->shared = map;
		memcpy(vm->runtime, message.runtime, sizeof(vm->runtime));
		vm->boot_us = message.boot_us;
		if (vm->adopted)
			vm->pid = message.pid;
		if (vm->shared != NULL && vm->state == SFF_VM_STARTING)
			vm->state = SFF_VM_READY;
	}
	close(message.shared_fd);
}

int
sff_vms_poll(struct sff_vms *vms, int extra_fd, int timeout_ms)
{
	struct pollfd fds[2 * SFF_VMS_MAX + 1];
	unsigned int n = 0;
	int rc = 0;

	fds[n++] = (struct pollfd){.fd = extra_fd, .events = POLLIN};
	for (unsigned int i = 0; i < vms->n; i++) {
		struct sff_vm *vm = &vms->vm[i];

		if (vm->state == SFF_VM_STARTING && vm->control < 0) {
			vm->control = sff_hv_connect(vm->socket_control);
			/* Its socket is not there yet: look again soon. */
			if (vm->control < 0 && (timeout_ms > LOOK_MS || timeout_ms < 0))
				timeout_ms = LOOK_MS;
		}
		fds[n++] = (struct pollfd){.fd = vm->control, .events = POLLIN};
		fds[n++] = (struct pollfd){.fd = vm->text_fd, .events = POLLIN};
	}
	if (poll(fds, n, timeout_ms) < 0 && errno != EINTR)
		rc = -errno;
	for (unsigned int i = 0; rc == 0 && i < vms->n; i++) {
		struct sff_vm *vm = &vms->vm[i];

		if (vm->text_fd >= 0 && fds[2 * i + 2].revents != 0)
			read_text(vm);
		if (vm->control >= 0 && fds[2 * i + 1].revents != 0)
			read_control(vm);
		reap(vm);
	}
	return rc;
}

/* The last line a guest wrote to its console, or nothing. The guest writes it: bounded, printable. */
static void
console_tail(const struct sff_vm *vm, char *line, int size)
{
	const volatile struct hv_console *console;
	uint64_t written, at;
	int n = 0;

	line[0] = '\0';
	if (vm->shared == NULL)
		return;
	console = &vm->shared->console;
	written = console->written;
	at = written > 0 ? written - 1 : 0; /* a final newline ends the line, it is not an empty one */
	while (at > 0 && written - at < (uint64_t)size - 1 && written - at < HV_CONSOLE_DATA &&
		console->data[(at - 1) % HV_CONSOLE_DATA] != '\n')
		at--;
	for (; at < written && n < size - 1; at++) {
		char c = console->data[at % HV_CONSOLE_DATA];

		if (c != '\n')
			line[n++] = c >= ' ' && c <= '~' ? c : '?';
	}
	line[n] = '\0';
}

/* The last thing the runner itself said: what follows it, indented, are registers and the console. */
static void
runner_line(const struct sff_vm *vm, char *line, int size)
{
	const char *found = NULL;

	for (const char *at = vm->text; at != NULL && *at != '\0'; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (found == NULL || (strncmp(at, "hv: ", 4) == 0 && at[4] != ' '))
			found = at;
	}
	snprintf(line, (size_t)size, "%.*s", found != NULL ? (int)strcspn(found, "\n") : 0,
		found != NULL ? found : "");
}

int
sff_vm_reason(const struct sff_vm *vm, char *text, int size)
{
	char said[256];
	int refused = vm->exit_code > 0 && vm->exit_code < HV_EXIT_ABI && vm->boot_us == 0;

	/* An application that ends says why; of one that crashed the runner knows more. */
	said[0] = '\0';
	if (vm->exit_code < HV_EXIT_ABI)
		console_tail(vm, said, sizeof(said));
	if (said[0] == '\0')
		runner_line(vm, said, sizeof(said));
	if (said[0] == '\0')
		console_tail(vm, said, sizeof(said));
	if (vm->exit_code >= 128)
		snprintf(text, (size_t)size, "instance '%s': its VM was killed by signal %d", vm->name,
			vm->exit_code - 128);
	else
		snprintf(text, (size_t)size, "instance '%s': its VM ended with code %d%s%s", vm->name,
			vm->exit_code, said[0] != '\0' ? ": " : "", said);
	return refused;
}

static bool
all_ended(struct sff_vms *vms)
{
	bool all = true;

	for (unsigned int i = 0; i < vms->n; i++) {
		struct sff_vm *vm = &vms->vm[i];

		if (vm->state == SFF_VM_NONE)
			continue;
		reap(vm);
		all &= vm->adopted ? vm->control < 0 || vm->state == SFF_VM_ENDED : vm->pid <= 0;
	}
	return all;
}

void
sff_vms_stop(struct sff_vms *vms)
{
	for (unsigned int i = 0; i < vms->n; i++)
		sff_vm_stop(&vms->vm[i]);
	for (int waited = 0; waited < STOP_MS && !all_ended(vms); waited += LOOK_MS)
		sff_vms_poll(vms, -1, LOOK_MS);
	for (unsigned int i = 0; i < vms->n; i++) {
		struct sff_vm *vm = &vms->vm[i];

		if (!vm->adopted && vm->pid > 0) {
			kill(vm->pid, SIGKILL);
			waitpid(vm->pid, NULL, 0);
			unlink(vm->socket_net);
			unlink(vm->socket_control);
		}
		sff_vm_forget(vm);
	}
	if (vms->lifeline[0] >= 0) {
		close(vms->lifeline[0]);
		close(vms->lifeline[1]);
	}
	free(vms->vm);
	*vms = (struct sff_vms){.lifeline = {-1, -1}};
}
