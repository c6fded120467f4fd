#include "cli.h"
#include "cli_config.h"
#include "sfc_config.h"

#include <stdio.h>

struct args {
	const char *file;
	const char *node;
	bool json;
};

static const struct cli_option options[] = {
	{"FILE", NULL, CLI_FILE, offsetof(struct args, file), "the configuration, YAML or JSON"},
	{"node", "NAME", CLI_TEXT, offsetof(struct args, node), "check also that this node can run it"},
	{"json", NULL, CLI_FLAG, offsetof(struct args, json), "print {\"errors\":[...],\"warnings\":[...]}"},
	{0},
};

static int
run(const struct cli_verb *verb, int argc, char **argv)
{
	struct args args = {0};
	struct sfc_config *config;
	int exit_code;

	if (!cli_parse(verb, argc, argv, &args, &exit_code))
		return exit_code;
	exit_code = cli_load(args.file, args.json, &config);
	if (exit_code != CLI_DONE)
		return exit_code;
	/* A file for many machines is checked for one of them only when told which: not the host's name
	 * decides. */
	char err[256];
	int node = -1;

	if (args.node != NULL || config->n_nodes == 1)
		node = sfc_config_node(config, args.node, err, sizeof(err));
	if (node < 0 && args.node != NULL) {
		exit_code = cli_fail(args.json, CLI_USAGE, "%s: %s", args.file, err);
	} else {
		if (node >= 0)
			exit_code = cli_check_node(config, node, args.json);
		if (exit_code == CLI_DONE)
			cli_print_warnings(&config->warnings, args.json);
		if (exit_code == CLI_DONE && !args.json)
			printf("%s is good: nodes %u, functions %u, instances %u, paths %u, rules %u\n",
				args.file, config->n_nodes, config->n_functions, config->n_instances,
				config->n_paths, config->n_rules);
	}
	sfc_config_free(config);
	return exit_code;
}

const struct cli_verb cli_check = {
	.name = "check",
	.summary = "say whether a configuration file is good, and all that is wrong",
	.usage = "FILE [--node NAME] [--json]",
	.example = "  sluice check chain.yaml\n"
		   "  chain.yaml:12:15: /sfc/path[name='web']/egress: no port has the name 'wann'\n",
	.options = options,
	.run = run,
};
