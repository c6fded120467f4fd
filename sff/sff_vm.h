/**
 * The VMs of this node: start a runner (hv) for each local instance, or adopt one that outlived an earlier
 * sff; watch it, read its status memory, stop it.
 *
 * Included by control. The status memory is the guest's to write: every reader loads once, checks, then uses.
 */
#ifndef SFF_VM_H
#define SFF_VM_H

#include "hv_abi.h"
#include "sfc_config.h"
#include "sff_backoff.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

struct pmd_port;

/* What a guest shares with us, read only. */
struct sff_shared {
	struct hv_status status;
	uint8_t status_pad[HV_CONSOLE_ADDR - HV_STATUS_ADDR - sizeof(struct hv_status)];
	struct hv_console console;
	struct hv_metrics metrics;
};

static_assert(sizeof(struct sff_shared) == HV_SHARED_SIZE, "status memory as the guest ABI lays it out");

enum sff_vm_state {
	SFF_VM_STARTING,
	SFF_VM_READY,
	SFF_VM_ENDED,
	SFF_VM_NONE, /* a place for another */
};

/* Places for VMs, those that leave included: twice the VM ports that pmd has. */
#define SFF_VMS_MAX 512u

/* What lives of instances did with their frames: rx = tx - originated + consumed + lost. */
struct sff_books {
	uint64_t rx, tx;
	uint64_t consumed; /* never beyond rx - tx of a life */
	uint64_t originated;
	uint64_t lost;      /* inside when a life ended */
	uint64_t oversize;  /* too large for the instance: never given to it */
	uint64_t malformed; /* from it, and no frame; within tx */
};

/* Bytes kept of what a runner says on stderr: a crash report and its console tail. */
#define SFF_VM_TEXT 4096

struct sff_vm {
	const struct sfc_instance *instance; /* of the present configuration; NULL when it leaves */
	char name[64];
	uint64_t id;    /* of what makes two runs the same: image, memory, arguments */
	uint16_t index; /* of the instance in the configuration */
	uint16_t port;  /* in the plane */
	uint8_t mac[6];
	bool up;                  /* its port is attached */
	bool said;                /* its end was reported */
	bool leaving;             /* not in the configuration any more: ends when it is empty */
	bool stopping;            /* leaving, and asked to end */
	struct pmd_port *closing; /* leaving, and its port is in no plane: SFC_NONE */
	bool pending;             /* of a configuration that is not in force yet */
	enum sff_vm_state seen;   /* by the supervisor, since when: */
	uint64_t since_ms;        /* READY: since its port is not attached */
	uint64_t leave_ms;        /* leaving: since when; stopping: since it was asked */
	uint64_t again_ms;        /* ENDED: when it starts again, 0 = never */
	struct sff_backoff backoff;
	struct sff_books past; /* of earlier lives */
	enum sff_vm_state state;
	bool adopted; /* not our child */
	pid_t pid;
	int control;   /* connection to the runner, -1 = none yet */
	int text_fd;   /* its stderr, -1 when adopted or at its end */
	int exit_code; /* ENDED: of the runner; 128 + signal when it was killed */
	char socket_net[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char socket_control[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char runtime[8]; /* "kvm" or "process" */
	uint64_t boot_us;
	const volatile struct sff_shared *shared; /* NULL until ready */
	char text[SFF_VM_TEXT];
	uint32_t text_size;
};

struct sff_vms_conf {
	const char *run_dir;
	uint16_t pairs;   /* queue pairs: one per worker */
	int runtime;      /* enum sfc_runtime for all, -1 = as configured */
	bool die_with_us; /* replay: also when we are killed */
	bool stamps;      /* bench: guests say when they took and sent frames */
};

struct sff_vms {
	struct sff_vm *vm;     /* SFF_VMS_MAX of them: they never move */
	unsigned int n;        /* places in use are below */
	struct sff_books past; /* of VMs that are gone */
	struct sff_vms_conf conf;
	int lifeline[2]; /* pipe: runners end when we do; -1 when not wanted */
};

/**
 * Start or adopt the VMs of a node; returns at once.
 *
 * @param config  kept.
 * @return        0, -ENOENT (an image or the runner is missing), -errno, with one message in err.
 * Thread: control.
 */
int sff_vms_start(const struct sfc_config *config, int node, const struct sff_vms_conf *conf,
	struct sff_vms *vms, char *err, int err_size);

/**
 * Start or adopt the VM of one more instance.
 *
 * @param config  kept; index of the instance.
 * @return        0 and the VM, -ENOSPC, or -errno as above. Thread: control.
 */
int sff_vms_add(struct sff_vms *vms, const struct sfc_config *config, unsigned int index, struct sff_vm **vm,
	char *err, int err_size);

/** The VM that runs an instance exactly as configured, NULL = none. It has to be no other instance's yet. */
struct sff_vm *sff_vms_find(const struct sff_vms *vms, const struct sfc_instance *instance);

/** Does a VM that leaves run this instance? Until it is gone it has the sockets that another one needs. */
bool sff_vms_leaving(const struct sff_vms *vms, const struct sfc_instance *instance);

/** Start a VM that ended once more. Its port is closed. 0, or -errno with one message in err. */
int sff_vms_restart(struct sff_vms *vms, struct sff_vm *vm, char *err, int err_size);

/** End a VM now, without asking; it is ENDED a moment later. */
void sff_vm_kill(struct sff_vm *vm);

/** Ask a VM to end. */
void sff_vm_stop(struct sff_vm *vm);

/** Release what a life held: memory, sockets. The VM has ended and its port is closed. */
void sff_vm_forget(struct sff_vm *vm);

/**
 * Wait for an event of any VM and take note: ready, ended.
 *
 * @param extra_fd    also wake when this is readable, -1 = none.
 * @param timeout_ms  longest wait.
 * @return            0, or -errno of poll.
 */
int sff_vms_poll(struct sff_vms *vms, int extra_fd, int timeout_ms);

/**
 * Why a VM ended, for people: one line.
 *
 * @return 1 when its application refused its arguments (the configuration is wrong), else 0.
 */
int sff_vm_reason(const struct sff_vm *vm, char *text, int size);

/** Ask all runners to end, then make them; unmap and close everything. */
void sff_vms_stop(struct sff_vms *vms);

#endif
