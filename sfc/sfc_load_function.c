#include "sfc_load.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a guest's arguments with a NUL after each: HV_ARGS_SIZE of the guest ABI. */
#define ARGS_SIZE_MAX 2048u
/* Instances of a domain: tables count them in 16 bits, the last value means none. */
#define INSTANCES_MAX 65534u

/* A path is relative to the folder of the file, a bare name is one of the installed images. */
static char *
take_image(struct sfc_load *load, const struct lyd_node *vm)
{
	const struct lyd_node *leaf = sfc_data_child(vm, "image");
	const char *image = leaf ? lyd_get_value(leaf) : NULL;
	char path[PATH_MAX];

	if (!image)
		return NULL;
	if (!strcmp(image, ".") || !strcmp(image, "..")) {
		sfc_load_error_node(load, leaf, "'%s' is not the name of an image", image);
		return NULL;
	}
	if (!strchr(image, '/') || image[0] == '/')
		return sfc_load_copy(load, image);
	if (!load->folder) {
		sfc_load_error_node(load, leaf, "the current directory is gone: write an absolute path");
		return NULL;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", load->folder, image) >= sizeof(path)) {
		sfc_load_error_node(load, leaf, "path of the image is longer than %d bytes", PATH_MAX - 1);
		return NULL;
	}
	return sfc_load_copy(load, path);
}

static void
take_args(struct sfc_load *load, const struct lyd_node *vm, struct sfc_instance *instance)
{
	const struct lyd_node *entry = NULL, *last = NULL;
	size_t size = 0;

	instance->arg = sfc_load_new(load, sfc_data_count(vm, "args"), sizeof(*instance->arg));
	while (instance->arg && (entry = sfc_data_next(vm, entry, "args"))) {
		const char *arg = sfc_data_text(entry, "arg");

		if (!arg)
			continue;
		instance->arg[instance->n_args++] = sfc_load_copy(load, arg);
		size += strlen(arg) + 1;
		if (size > ARGS_SIZE_MAX && !last)
			last = entry;
	}
	if (last)
		sfc_load_error_node(
			load, last, "arguments take %zu bytes, the limit is %u", size, ARGS_SIZE_MAX);
}

static void
take_kind(struct sfc_load *load, const struct lyd_node *data, struct sfc_instance *instance)
{
	const struct lyd_node *vm = sfc_data_child(data, "vm"), *attach = sfc_data_child(data, "attach");

	if (vm && attach)
		sfc_load_error_node(load, attach, "'vm' and 'attach' exclude each other");
	else if (attach)
		sfc_load_attach(load, attach, instance->node, &instance->attach);
	else if (!vm && !sfc_data_refused(data, "vm") && !sfc_data_refused(data, "attach"))
		sfc_load_error_missing(load, sfc_data_yaml(data), "vm");
	if (!vm)
		return;
	instance->image = take_image(load, vm);
	instance->memory_mib = sfc_data_number(vm, "memory");
	instance->runtime = sfc_data_is(vm, "runtime", "kvm")       ? SFC_RUNTIME_KVM
	                    : sfc_data_is(vm, "runtime", "process") ? SFC_RUNTIME_PROCESS
	                                                            : SFC_RUNTIME_AUTO;
	take_args(load, vm, instance);
}

static void
take_instance(struct sfc_load *load, const struct lyd_node *data, int function, struct sfc_instance *instance)
{
	const struct lyd_node *node = sfc_data_child(data, "node");

	instance->name = sfc_load_copy(load, sfc_data_text(data, "name"));
	instance->function = function;
	instance->weight = sfc_data_number(data, "weight");
	instance->admin = sfc_data_is(data, "admin", "drain")  ? SFC_ADMIN_DRAIN
	                  : sfc_data_is(data, "admin", "down") ? SFC_ADMIN_DOWN
	                                                       : SFC_ADMIN_UP;
	instance->node = node ? sfc_names_index(&load->nodes, lyd_get_value(node), 0) : -1;
	if (node && instance->node < 0)
		sfc_load_error_node(load, node, "no node '%s'", lyd_get_value(node));
	take_kind(load, data, instance);
}

/* A function that no path uses may be without; a list that says nothing is a mistake. */
static void
check_list(struct sfc_load *load, const struct lyd_node *data)
{
	const struct sfc_yaml *list = sfc_yaml_get(sfc_data_yaml(data), "instance");

	if (list && list->type == SFC_YAML_SEQUENCE && !list->first)
		sfc_load_error_yaml(load, list, "needs at least one entry");
}

static void
take_function(struct sfc_load *load, const struct lyd_node *data, int index, struct sfc_function *function)
{
	struct sfc_config *config = load->config;
	const struct lyd_node *entry = NULL;

	function->name = sfc_load_copy(load, sfc_data_text(data, "name"));
	function->nsh_aware = sfc_data_is(data, "nsh-aware", "true");
	sfc_load_proxy(data, function);
	function->on_failure =
		sfc_data_is(data, "on-failure", "bypass") ? SFC_ON_FAILURE_BYPASS : SFC_ON_FAILURE_CLOSED;
	check_list(load, data);
	function->instance =
		sfc_load_new(load, sfc_data_count(data, "instance"), sizeof(*function->instance));
	while (function->instance && (entry = sfc_data_next(data, entry, "instance"))) {
		int instance = (int)config->n_instances++;

		sfc_names_add(&load->instances, sfc_data_text(entry, "name"), 0, instance, entry);
		function->instance[function->n_instances++] = instance;
		take_instance(load, entry, index, &config->instance[instance]);
	}
}

/* Names of instances are unique in the domain, not only in their function. */
static void
check_names(struct sfc_load *load)
{
	const struct sfc_name *entry = load->instances.entry;

	for (unsigned int i = 1; i < load->instances.n; i++, entry++) {
		if (!strcmp(entry[0].name, entry[1].name))
			sfc_load_error_node(load, sfc_data_child(entry[1].at, "name"),
				"another instance '%s' is at line %u", entry[1].name,
				sfc_data_yaml(sfc_data_child(entry[0].at, "name"))->line);
	}
}

void
sfc_load_functions(struct sfc_load *load)
{
	struct sfc_config *config = load->config;
	const struct lyd_node *function = NULL;
	unsigned int n_instances = 0, n_functions = sfc_data_count(load->tree, "function");

	while ((function = sfc_data_next(load->tree, function, "function"))) {
		unsigned int n = sfc_data_count(function, "instance");

		if (n_instances <= INSTANCES_MAX && n_instances + n > INSTANCES_MAX)
			sfc_load_error_node(
				load, function, "more than %u instances in the domain", INSTANCES_MAX);
		n_instances += n;
	}
	config->function = sfc_load_new(load, n_functions, sizeof(*config->function));
	config->instance = sfc_load_new(load, n_instances, sizeof(*config->instance));
	if (load->no_memory || sfc_names_init(load, &load->functions, n_functions) ||
		sfc_names_init(load, &load->instances, n_instances))
		return;
	while ((function = sfc_data_next(load->tree, function, "function"))) {
		int index = (int)config->n_functions++;

		sfc_names_add(&load->functions, sfc_data_text(function, "name"), 0, index, function);
		take_function(load, function, index, &config->function[index]);
	}
	sfc_names_sort(&load->functions);
	sfc_names_sort(&load->instances);
	check_names(load);
}
