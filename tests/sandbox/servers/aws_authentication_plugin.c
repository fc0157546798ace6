/*
 * SPDX-FileCopyrightText: dbops.aurora_iam contributors
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * AWSAuthenticationPlugin for a stock MySQL server: hands login name and token to the sandbox's verifier.
 *
 * The structures are those of the server's plugin API, declared here so that no server headers are needed:
 * https://dev.mysql.com/doc/extending-mysql/9.0/en/server-side-authentication-plugins.html
 *
 * What goes to the verifier: cluster, login name, "1" or "0" for TLS, token; each behind its length in four bytes, most
 * significant first. What comes back: "1" to let in. Anything else, or no answer, refuses.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { AUTHENTICATION_PLUGIN = 7, LICENSE_GPL = 1, LET_IN = -1, REFUSE = 0, LONGEST_TOKEN = 65536 };

struct connection_facts {
  int protocol;
  int socket;
  bool is_tls_established;
};

struct client {
  int (*read_packet)(struct client *, unsigned char **);
  int (*write_packet)(struct client *, const unsigned char *, int);
  void (*info)(struct client *, struct connection_facts *);
};

struct login {
  char *user_name;
  unsigned int user_name_length;
  const char *auth_string;
  unsigned long auth_string_length;
  /* what follows is not used here */
};

struct authentication {
  int interface_version;
  const char *client_plugin;
  int (*authenticate)(struct client *, struct login *);
  int (*generate)(char *, unsigned int *, const char *, unsigned int);
  int (*validate)(char *const, unsigned int);
  int (*set_salt)(const char *, unsigned int, unsigned char *, unsigned char *);
  unsigned long flags;
  int (*compare)(const char *, unsigned long, const char *, unsigned long, int *);
};

struct plugin {
  int type;
  void *info;
  const char *name, *author, *description;
  int license;
  int (*init)(void *);
  int (*check_uninstall)(void *);
  int (*deinit)(void *);
  unsigned int version;
  void *status_variables, *system_variables, *reserved;
  unsigned long flags;
};

static bool send_all(int verifier, const void *bytes, size_t length) {
  const char *next = bytes;
  while (length > 0) {
    ssize_t sent = send(verifier, next, length, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    next += sent;
    length -= (size_t)sent;
  }
  return true;
}

static bool send_field(int verifier, const void *bytes, size_t length) {
  unsigned int prefix = htonl((unsigned int)length);
  return send_all(verifier, &prefix, sizeof prefix) && send_all(verifier, bytes, length);
}

static int dial_verifier(void) {
  const char *path = getenv("AURORA_SANDBOX_VERIFIER");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct timeval patience = {.tv_sec = 10};
  if (path == NULL || strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  int verifier = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (verifier < 0) return -1;
  setsockopt(verifier, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(verifier, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(verifier, (struct sockaddr *)&address, sizeof address) == 0) return verifier;
  close(verifier);
  return -1;
}

static bool verified(struct login *login, bool tls, const unsigned char *token, size_t length) {
  const char *cluster = getenv("AURORA_SANDBOX_CLUSTER");
  char verdict = '0';
  int verifier = cluster == NULL ? -1 : dial_verifier();
  if (verifier < 0) return false;
  bool answered = send_field(verifier, cluster, strlen(cluster)) &&
                  send_field(verifier, login->user_name, login->user_name_length) &&
                  send_field(verifier, tls ? "1" : "0", 1) && send_field(verifier, token, length) &&
                  recv(verifier, &verdict, 1, 0) == 1;
  close(verifier);
  return answered && verdict == '1';
}

static int authenticate(struct client *client, struct login *login) {
  unsigned char *token;
  struct connection_facts facts = {0};
  int length = client->read_packet(client, &token);
  if (length > 0 && token[length - 1] == '\0') length--; /* mysql_clear_password ends with NUL */
  if (length <= 0 || length > LONGEST_TOKEN) return REFUSE;
  if (login->auth_string_length != 3 || memcmp(login->auth_string, "RDS", 3) != 0) return REFUSE;
  client->info(client, &facts);
  return verified(login, facts.is_tls_established, token, (size_t)length) ? LET_IN : REFUSE;
}

/* IDENTIFIED WITH … BY 'text' stores the text as it is. */
static int generate(char *stored, unsigned int *stored_length, const char *text, unsigned int length) {
  if (length > *stored_length) return 1;
  memcpy(stored, text, length);
  *stored_length = length;
  return 0;
}

/* Any string can be stored, as on RDS; only RDS can log in. */
static int validate(char *const text, unsigned int length) {
  (void)text;
  (void)length;
  return 0;
}

static int set_salt(const char *text, unsigned int length, unsigned char *salt, unsigned char *salt_length) {
  (void)text;
  (void)length;
  (void)salt;
  *salt_length = 0;
  return 0;
}

static struct authentication handler = {
    .interface_version = 0x0201,
    .client_plugin = "mysql_clear_password",
    .authenticate = authenticate,
    .generate = generate,
    .validate = validate,
    .set_salt = set_salt,
};

int _mysql_plugin_interface_version_ = 0x010B;
int _mysql_sizeof_struct_st_plugin_ = sizeof(struct plugin);
struct plugin _mysql_plugin_declarations_[] = {
    {
        .type = AUTHENTICATION_PLUGIN,
        .info = &handler,
        .name = "AWSAuthenticationPlugin",
        .author = "dbops.aurora_iam contributors",
        .description = "Lets in who has an IAM token that the sandbox's verifier accepts",
        .license = LICENSE_GPL,
        .version = 0x0100,
    },
    {0},
};
