// SPDX-License-Identifier: GPL-2.0
/*
 * key: the key of a cluster, made, put into the kernel's keyring, and exchanged for
 * another one while the cluster runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "json.h"
#include "key.h"
#include "raftctl.h"

enum {
	/* Two digits for each byte. */
	KEY_DIGITS = 2 * DEVICE_KEY_BYTES,
	GRACE_S_DEFAULT = 60,
};

enum {
	OPTION_FILE = OPTION_OF_VERB,
	OPTION_NEXT,
	OPTION_SWITCH,
	OPTION_DROP,
	OPTION_GRACE,
};

static const struct option key_options[] = {
	{ "file", required_argument, NULL, OPTION_FILE },
	{ "next", required_argument, NULL, OPTION_NEXT },
	{ "switch", no_argument, NULL, OPTION_SWITCH },
	{ "drop", no_argument, NULL, OPTION_DROP },
	{ "grace", required_argument, NULL, OPTION_GRACE },
	{ NULL, 0, NULL, 0 },
};

/**
 * struct wanted - what the options say
 * @file: --file, NULL for standard input or output
 * @set: for the kernel
 * @n_steps: how many were given
 * @has_grace: --grace was
 */
struct wanted {
	const char *file;
	struct raftlog_set_key set;
	unsigned int n_steps;
	bool has_grace;
};

bool key_name_ok(const char *option, const char *name)
{
	size_t chars = strlen(name);

	if (chars && chars < RAFTLOG_KEY_NAME_CHARS &&
	    strspn(name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		    chars)
		return true;
	complain(NULL, "%s %s: a name of 1 to %d letters, digits and ._-", option,
		 name, RAFTLOG_KEY_NAME_CHARS - 1);
	return false;
}

static bool set_grace(struct wanted *wanted, const char *text)
{
	u64 ms;

	if (!option_seconds("--grace", text, &ms))
		return false;
	if (ms > UINT32_MAX) {
		complain(NULL, "--grace %s: too long", text);
		return false;
	}
	wanted->set.grace_ms = ms;
	wanted->has_grace = true;
	return true;
}

static bool take_option(void *context, int option)
{
	struct wanted *wanted = context;

	switch (option) {
	case OPTION_FILE:
		wanted->file = optarg;
		return true;
	case OPTION_GRACE:
		return set_grace(wanted, optarg);
	case OPTION_NEXT:
		if (!key_name_ok("--next", optarg))
			return false;
		strcpy(wanted->set.name, optarg);
		wanted->set.step = RAFTLOG_SET_KEY_NEXT;
		break;
	case OPTION_SWITCH:
		wanted->set.step = RAFTLOG_SET_KEY_SWITCH;
		break;
	default:
		wanted->set.step = RAFTLOG_SET_KEY_DROP;
		break;
	}
	wanted->n_steps++;
	return true;
}

void key_complain(int error, const char *name)
{
	switch (error) {
	case ENOKEY:
		if (*name)
			complain("raftctl key install puts it there",
				 "there is no key '%s' in the kernel's keyring",
				 name);
		else
			complain("raftctl key rotate --next NAME, on every node first",
				 "there is no next key to switch to");
		break;
	case EKEYEXPIRED:
	case EKEYREVOKED:
		complain("raftctl key install puts it there again",
			 "the key '%s' has been withdrawn from the kernel's keyring",
			 name);
		break;
	case EOPNOTSUPP:
		complain("stop all of its nodes and start them with --key",
			 "the group was started with --insecure");
		break;
	default:
		complain_errno(error, "set the key");
		break;
	}
}

static bool make_secret(u8 *secret)
{
	if (getrandom(secret, DEVICE_KEY_BYTES, 0) == DEVICE_KEY_BYTES)
		return true;
	complain_errno(errno, "make a key");
	return false;
}

/* Nobody else's to read, and never over another one. */
static FILE *create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (!out)
		complain(NULL, "%s: %s", path, strerror(errno));
	return out;
}

static int generate(const struct wanted *wanted)
{
	u8 secret[DEVICE_KEY_BYTES];
	FILE *out = stdout;
	int error;

	if (!make_secret(secret))
		return EXIT_ERROR;
	if (wanted->file)
		out = create(wanted->file);
	if (!out)
		return EXIT_ERROR;
	for (size_t i = 0; i < sizeof(secret); i++)
		fprintf(out, "%02x", secret[i]);
	fputc('\n', out);
	explicit_bzero(secret, sizeof(secret));
	if (out == stdout)
		return EXIT_OK;
	error = ferror(out) | fflush(out) | fsync(fileno(out)) | fclose(out);
	if (!error)
		return EXIT_OK;
	complain(NULL, "%s: not all of it was written", wanted->file);
	return EXIT_ERROR;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool parse_secret(const char *text, u8 *secret)
{
	for (size_t i = 0; i < DEVICE_KEY_BYTES; i++) {
		int high = digit(text[2 * i]);
		int low = high < 0 ? -1 : digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		secret[i] = high << 4 | low;
	}
	return !strcmp(text + KEY_DIGITS, "\n") || !text[KEY_DIGITS];
}

static bool read_secret(const char *path, u8 *secret)
{
	FILE *in = path ? fopen(path, "re") : stdin;
	/* One more than there should be. */
	char text[KEY_DIGITS + 3] = "";
	bool good;

	if (!in) {
		complain(NULL, "%s: %s", path, strerror(errno));
		return false;
	}
	/* No copy of it is to stay in a buffer. */
	setvbuf(in, NULL, _IONBF, 0);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	if (path)
		fclose(in);
	good = parse_secret(text, secret);
	explicit_bzero(text, sizeof(text));
	if (!good)
		complain("raftctl key generate makes one",
			 "%s: no key: %d digits 0-9a-f are one",
			 path ? path : "standard input", KEY_DIGITS);
	return good;
}

static void warn_readable(const char *path)
{
	struct stat stat;

	if (path && !lstat(path, &stat) && S_ISREG(stat.st_mode) &&
	    stat.st_mode & 077)
		complain("chmod 600", "%s: others can read it", path);
}

static int install(const struct wanted *wanted, const char *name)
{
	u8 secret[DEVICE_KEY_BYTES];
	int ret;

	if (!key_name_ok("key install", name) ||
	    !read_secret(wanted->file, secret))
		return EXIT_ERROR;
	warn_readable(wanted->file);
	ret = device_add_key(name, secret);
	explicit_bzero(secret, sizeof(secret));
	if (!ret)
		return EXIT_OK;
	complain_errno(-ret, "put the key into the kernel's keyring");
	return EXIT_ERROR;
}

static const char *const step_words[] = {
	[RAFTLOG_SET_KEY_NEXT] = "next",
	[RAFTLOG_SET_KEY_SWITCH] = "switch",
	[RAFTLOG_SET_KEY_DROP] = "drop",
};

static bool check_rotate(struct wanted *wanted)
{
	bool switches = wanted->set.step == RAFTLOG_SET_KEY_SWITCH;

	if (wanted->n_steps != 1) {
		complain(help_advice(),
			 "one of --next, --switch and --drop is wanted");
		return false;
	}
	if (wanted->has_grace && !switches) {
		complain(help_advice(), "--grace means nothing without --switch");
		return false;
	}
	if (switches && !wanted->has_grace)
		wanted->set.grace_ms = GRACE_S_DEFAULT * 1000;
	return true;
}

static int rotate(struct wanted *wanted)
{
	int fd, ret;

	if (!check_rotate(wanted))
		return EXIT_ERROR;
	fd = connect_device(O_RDWR);
	if (fd < 0)
		return EXIT_ERROR;
	ret = device_set_key(fd, &wanted->set);
	device_close(fd);
	if (ret) {
		key_complain(-ret, wanted->set.name);
		return EXIT_ERROR;
	}
	if (raftctl.json) {
		json_object(NULL);
		json_string("step", step_words[wanted->set.step]);
		json_end();
	}
	return EXIT_OK;
}

static int run_key(int argc, char **argv)
{
	static const struct verb_options options = { "", key_options,
						     take_option };
	struct wanted wanted = { 0 };
	const char *word;
	int code;

	code = parse_options(argc, argv, &options, &wanted);
	if (code >= 0)
		return code;
	word = optind < argc ? argv[optind] : "";
	if (!strcmp(word, "generate") && argc - optind == 1)
		return generate(&wanted);
	if (!strcmp(word, "install") && argc - optind == 2)
		return install(&wanted, argv[optind + 1]);
	if (!strcmp(word, "rotate") && argc - optind == 1)
		return rotate(&wanted);
	complain(help_advice(), "generate, install NAME or rotate is wanted");
	return EXIT_ERROR;
}

const struct verb key_verb = {
	.name = "key",
	.run = run_key,
	.synopsis = "generate | install NAME | rotate --next NAME|--switch|--drop",
	.summary = "make, install and exchange the key of a cluster",
	.help = "  generate   print a new key. All nodes of a cluster get the same one\n"
		"  install    put a key into the kernel's keyring under a name, for start\n"
		"             --key and rotate --next; read from standard input. Lost when the\n"
		"             machine is started again\n"
		"  rotate     exchange the key of a group that runs, in three steps, each on\n"
		"             all nodes before the next. No write fails\n"
		"\n"
		"      --file PATH     write the key to, or read it from this file\n"
		"      --next NAME     take what comes under this key, too\n"
		"      --switch        send under it\n"
		"      --grace SECONDS and drop the old one by itself after that (60); 0: when\n"
		"                      told\n"
		"      --drop          take nothing under the old one any more\n",
};
