/**
 * How long a connection may stay silent before it is taken for one whose server speaks first. Long enough for an HTTP
 * client on a starved machine: after 0.1 s, such requests passed as TCP and were missing from the access log.
 */
export const protocolDetectionTimeoutMs = 1000;

/** Servers that speak first on their well-known ports: FTP, SSH, SMTP, POP3, IMAP, submission, MySQL, VNC. */
export const serverFirstPorts: readonly number[] = [21, 22, 25, 110, 143, 587, 3306, 5900];
