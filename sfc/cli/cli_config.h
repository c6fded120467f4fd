/**
 * Load a configuration and say what is wrong with it. Included by the verbs that take a FILE.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "sfc_config.h"

#include <stdbool.h>

/**
 * Load a file; every error goes to stderr as FILE:LINE:COL: PATH: reason and, when json is true, all of them
 * as
 * {"errors":[...]} to stdout.
 *
 * @return CLI_DONE with *config owned by the caller, CLI_CONFIG when the file is wrong, CLI_USAGE when it
 * cannot be read.
 */
int cli_load(const char *file, bool json, struct sfc_config **config);

/** Compile one node's tables to see that it can be done. Same output and exit codes as cli_load. */
int cli_check_node(const struct sfc_config *config, int node, bool json);

/**
 * Say what is not wrong, but should be known: to stderr as errors are, and with json the whole result of a
 * check, {"errors":[],"warnings":[...]}, to stdout.
 */
void cli_print_warnings(const struct sfc_errors *warnings, bool json);

/** Print {"errors":[...]} on stdout. */
void cli_print_errors(const struct sfc_error *error, unsigned int n);

#endif
