"""A Java service: compiled and tested by Maven, in an image with a JRE alone."""

from llb import State, cache
from llb.buildfile import Build, target


@target
def jar(build: Build) -> State:
    """Compile and test the service."""
    maven = build.image("maven:3-eclipse-temurin-21").workdir("/src")
    source = maven.copy(build.context(include=["pom.xml", "src"]), ".")
    # Builds at the same time wait for each other: Maven takes no locks in its repository.
    return source.run("mvn -B -ntp verify", mounts=[cache("/root/.m2", sharing="locked")])


@target(default=True)
def image(build: Build) -> State:
    """Build the image."""
    return (
        build.image("eclipse-temurin:21-jre")
        .copy(jar(), "/app/", src="/src/target/hello.jar")
        .user("65532")
        .expose(8000)
        .entrypoint(["java", "-XX:MaxRAMPercentage=75", "-jar", "/app/hello.jar"])
    )
