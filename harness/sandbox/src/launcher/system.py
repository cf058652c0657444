"""What of the machine's own every program needs, read-only."""
import glob
import os

DIRECTORIES = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"]
ETC = [
    "alternatives", "ca-certificates", "crypto-policies", "debian_version", "ld.so.cache", "ld.so.conf",
    "ld.so.conf.d", "localtime", "magic", "mime.types", "nsswitch.conf", "os-release", "pip.conf",
    # Certificates, and not the private keys beside them.
    "pki/ca-trust", "pki/tls/cert.pem", "pki/tls/certs", "pki/tls/openssl.cnf", "ssl/cert.pem", "ssl/certs",
    "ssl/openssl.cnf", "protocols", "services", "terminfo", "timezone",
    # Maven's launcher, and not the passwords of its settings.
    "maven/m2.conf", "maven/logging",
]
# A Java of a distribution has its settings here; those of its remote management
# may hold passwords, and are not shown.
JAVA = ["security", "net.properties", "logging.properties", "jvm-*.cfg"]
ETC += [os.path.relpath(path, "/etc") for name in JAVA for path in sorted(glob.glob(f"/etc/java-*/{name}"))]
DEVICES = ["null", "zero", "full", "random", "urandom"]
DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}


def existing(paths):
    return [path for path in paths if os.path.exists(path)]


def beneath(path, directories):
    return any(path == directory or path.startswith(directory + "/") for directory in directories)
