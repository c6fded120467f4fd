/* Runs one fuzz target over files, for builds without libFuzzer: each input that ever failed stays a test.
 * Arguments are files or folders. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int inputs;

static int
run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return 1;
	}
	struct stat st;
	if (fstat(fileno(file), &st) != 0) {
		perror(path);
		fclose(file);
		return 1;
	}
	/* Exactly as large as the input, so that a sanitizer sees a read past the end. */
	size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size > 0 ? size : 1);
	int rc = data == NULL || fread(data, 1, size, file) != size;
	if (rc == 0) {
		LLVMFuzzerTestOneInput(data, size);
		inputs++;
	} else {
		fprintf(stderr, "%s: cannot read\n", path);
	}
	free(data);
	fclose(file);
	return rc;
}

int
main(int argc, char **argv)
{
	int rc = 0;
	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		if (dir == NULL) {
			rc |= run_file(argv[i]);
			continue;
		}
		for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
			char path[4096];
			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name);
			rc |= run_file(path);
		}
		closedir(dir);
	}
	if (inputs == 0) {
		fprintf(stderr, "no input was run\n");
		rc = 1;
	}
	printf("%u inputs\n", inputs);
	return rc;
}
