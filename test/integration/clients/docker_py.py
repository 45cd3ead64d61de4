"""What docker-py's users do, printed: the same on every engine. Arguments: the engine's address, an image."""
import io
import sys
import tarfile

import docker

client = docker.DockerClient(base_url=sys.argv[1])
image = sys.argv[2]

print(client.ping(), client.version()["ApiVersion"] >= "1.40")
print(image in client.images.pull(image).tags)
print(client.containers.run(image, ["echo", "hello"], remove=True))
try:
    client.containers.run(image, ["sh", "-c", "echo bad >&2; exit 3"], remove=True)
except docker.errors.ContainerError as error:
    print(error.exit_status, error.stderr)
try:
    client.containers.get("no-such")
except docker.errors.NotFound as error:
    print(error.explanation)

network = client.networks.create("py-network", driver="bridge")
volume = client.volumes.create("py-volume")
container = client.containers.run(
    image,
    ["sh", "-c", "while :; do echo tick; sleep 1; done"],
    detach=True,
    name="py-worker",
    network="py-network",
    volumes={"py-volume": {"bind": "/v", "mode": "rw"}},
    environment={"A": "b"},
    labels={"py": "yes"},
    mem_limit="64m",
)
container.reload()
print(container.status, container.attrs["HostConfig"]["Memory"], list(container.attrs["NetworkSettings"]["Networks"]))
result = container.exec_run(["sh", "-c", "echo $A; echo err >&2; exit 5"], demux=True)
print(result.exit_code, result.output)

packed = io.BytesIO()
with tarfile.open(fileobj=packed, mode="w") as archive:
    entry = tarfile.TarInfo("file")
    entry.size = 4
    archive.addfile(entry, io.BytesIO(b"data"))
packed.seek(0)
print(container.put_archive("/v", packed))
stream, stat = container.get_archive("/v/file")
print(stat["name"], stat["size"], tarfile.open(fileobj=io.BytesIO(b"".join(stream))).extractfile("file").read())

for line in container.logs(stream=True, follow=True):
    print(line)
    break
print(sorted(key for key in container.stats(stream=False) if key in ("cpu_stats", "memory_stats", "name", "networks", "pids_stats")))
print(container.top()["Titles"])
container.pause()
container.reload()
print(container.status)
container.unpause()
container.rename("py-renamed")
container.update(mem_limit="128m", memswap_limit="256m")
print([found.name for found in client.containers.list(filters={"label": "py=yes"})])
print({"Path": "/v", "Kind": 1} in container.diff())
connection = container.attach_socket(params={"stdout": 1, "stream": 1})
print(connection._sock.recv(8)[0])
connection.close()
print(container.commit("py-image", "v1").tags)
client.images.remove("py-image:v1")
container.stop(timeout=1)
print(container.wait()["StatusCode"])
container.remove(v=True)
network.remove()
volume.remove()
print([found.name for found in client.containers.list(all=True, filters={"label": "py=yes"})])
