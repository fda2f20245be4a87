import ArgumentParser

@main
struct FlotillaSim: ParsableCommand {}
