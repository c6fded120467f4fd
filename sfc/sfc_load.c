#include "sfc_load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const char sfc_yang_module[]; /* yang/sluice.yang, made by yang/embed.cmake */

int
sfc_schema_create(struct sfc_schema *schema)
{
	struct lys_module *module = NULL;
	LY_ERR rc;

	*schema = (struct sfc_schema){0};
	ly_log_options(LY_LOSTORE_LAST); /* messages are ours, nothing to stderr */
	rc = ly_ctx_new(NULL, LY_CTX_NO_YANGLIBRARY | LY_CTX_DISABLE_SEARCHDIRS, &schema->ctx);
	if (rc == LY_SUCCESS)
		rc = lys_parse_mem(schema->ctx, sfc_yang_module, LYS_IN_YANG, &module);
	schema->module = module;
	if (rc == LY_SUCCESS)
		return 0;
	sfc_schema_destroy(schema);
	return rc == LY_EMEM ? -ENOMEM : -EINVAL;
}

void
sfc_schema_destroy(struct sfc_schema *schema)
{
	ly_ctx_destroy(schema->ctx);
	*schema = (struct sfc_schema){0};
}

/* Absolute folder of a file name. */
static const char *
folder_of(struct sfc_load *load, const char *name)
{
	const char *slash = strrchr(name, '/');
	size_t used = 0, size = slash ? (size_t)(slash - name) : 0;
	char cwd[PATH_MAX], *folder;

	if (name[0] != '/') {
		if (!getcwd(cwd, sizeof(cwd)))
			return NULL;
		used = strlen(cwd);
	}
	folder = sfc_load_temp(load, used + size + 2, 1);
	if (!folder)
		return NULL;
	if (used)
		memcpy(folder, cwd, used);
	if (used && size)
		folder[used++] = '/';
	memcpy(folder + used, name, size);
	return folder;
}

/* Data tree -> configuration, with every check. References need the phases in this order. */
static void
compile(struct sfc_load *load)
{
	static void (*const phase[])(struct sfc_load *) = {sfc_load_nodes, sfc_load_functions, sfc_load_paths,
		sfc_load_rules, sfc_load_mirrors, sfc_load_proxies, sfc_load_domain};
	unsigned int i;

	if (lyd_new_implicit_all(&load->tree, load->schema->ctx, LYD_IMPLICIT_NO_STATE, NULL))
		load->no_memory = true;
	for (i = 0; i < sizeof(phase) / sizeof(phase[0]) && !load->no_memory; i++)
		phase[i](load);
}

/* What our own checks let through and libyang does not is a bug of theirs; the file is refused all the same.
 */
static void
validate(struct sfc_load *load)
{
	if (lyd_validate_all(&load->tree, load->schema->ctx, LYD_VALIDATE_PRESENT, NULL) == LY_SUCCESS)
		return;
	sfc_load_error_position(load, 0, 0, "%s", ly_errmsg(load->schema->ctx));
}

int
sfc_load_memory(const struct sfc_schema *schema, const char *name, const void *bytes, size_t size,
	struct sfc_config **config, struct sfc_errors *errors)
{
	struct sfc_load load = {.schema = schema, .file = name};
	struct sfc_yaml *root = NULL;

	*config = NULL;
	*errors = (struct sfc_errors){0};
	load.folder = folder_of(&load, name);
	load.config = calloc(1, sizeof(*load.config));
	if (!load.config)
		load.no_memory = true;
	else
		load.config->file = sfc_load_copy(&load, name);
	if (!load.no_memory)
		root = sfc_yaml_parse(&load, bytes, size);
	if (root)
		sfc_load_tree(&load, root);
	if (load.tree && !load.no_memory)
		compile(&load);
	if (load.tree && !load.no_memory && load.errors.n == 0)
		validate(&load);
	lyd_free_all(load.tree);
	sfc_load_errors_take(&load, errors, load.config ? &load.config->warnings : NULL);
	sfc_load_temp_free(&load);
	if (!load.no_memory && errors->n == 0) {
		*config = load.config;
		return 0;
	}
	sfc_config_free(load.config);
	return load.no_memory ? -ENOMEM : -EINVAL;
}

/* A load that ends before there is anything to parse. */
static int
refuse(const char *file, struct sfc_errors *errors, int rc, const char *reason)
{
	struct sfc_load load = {.file = file};

	sfc_load_error_position(&load, 0, 0, "%s", reason);
	sfc_load_errors_take(&load, errors, NULL);
	return load.no_memory ? -ENOMEM : rc;
}

/* Read at most the limit and one byte more. A regular file is judged by its size before. */
static int
read_all(int fd, char **bytes, size_t *size)
{
	size_t used = 0, room = 0;
	struct stat st;
	ssize_t n;

	*bytes = NULL;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISREG(st.st_mode) && st.st_size > (off_t)SFC_LOAD_SIZE_MAX)
		return -EFBIG;
	do {
		if (used == room) {
			char *more = realloc(*bytes, room ? room * 2 : 65536);

			if (!more)
				return -ENOMEM;
			*bytes = more;
			room = room ? room * 2 : 65536;
		}
		n = read(fd, *bytes + used, room - used);
		if (n > 0)
			used += (size_t)n;
		if (used > SFC_LOAD_SIZE_MAX)
			return -EFBIG;
	} while (n > 0 || (n < 0 && errno == EINTR));
	*size = used;
	return n < 0 ? -errno : 0;
}

int
sfc_load(const char *file, struct sfc_config **config, struct sfc_errors *errors)
{
	struct sfc_schema schema;
	char *bytes = NULL, reason[96];
	size_t size = 0;
	int fd, rc;

	*config = NULL;
	*errors = (struct sfc_errors){0};
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	rc = fd < 0 ? -errno : read_all(fd, &bytes, &size);
	if (fd >= 0)
		close(fd);
	if (rc == -EFBIG) {
		snprintf(reason, sizeof(reason), "larger than %u MiB, the limit of a configuration file",
			SFC_LOAD_SIZE_MAX >> 20);
		rc = refuse(file, errors, -EINVAL, reason);
	} else if (rc < 0) {
		snprintf(reason, sizeof(reason), "cannot read: %s", strerror(-rc));
		rc = refuse(file, errors, rc, reason);
	} else {
		rc = sfc_schema_create(&schema);
		if (rc == 0) {
			rc = sfc_load_memory(&schema, file, bytes, size, config, errors);
			sfc_schema_destroy(&schema);
		} else {
			rc = refuse(file, errors, rc, "the built-in YANG module does not compile");
		}
	}
	free(bytes);
	return rc;
}
