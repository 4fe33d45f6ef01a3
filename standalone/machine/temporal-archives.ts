/**
 * The archive of the Temporal CLI that this version of Ferry downloads, and its SHA-256 for each platform, in lower-case hex.
 * Without a checksum for the platform, Ferry downloads nothing unless the user asks for it. The release script fills in the
 * checksums that Temporal publishes beside its archives.
 */
export const archiveVersion = 'v1.5.1';

/** By `process.platform` and `process.arch`, joined by a hyphen. */
export const archiveChecksums: Readonly<Record<string, string>> = {};
