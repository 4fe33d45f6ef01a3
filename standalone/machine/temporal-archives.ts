// The archive of the Temporal CLI that this version of Ferry downloads, and the SHA-256 of it per platform, lower-case
// hex. A platform without one is not downloaded for unless somebody asks for it. The release script fills them in from
// the checksums that Temporal publishes beside its archives.
export const archiveVersion = 'v1.5.1';

/** By `process.platform` and `process.arch`, joined by a hyphen. */
export const archiveChecksums: Readonly<Record<string, string>> = {};
