#version 330 core
// What lies under a panel's letters: dark, and the dance still seen through it. Letters have a contrast of 10:1 and more
// over white. Comes out premultiplied, so that the window itself stays opaque where a desktop composes by its alpha.

layout(location = 0) out vec4 colour;

void main() {
    const float opacity = 0.9;
    colour = vec4(vec3(0.035, 0.04, 0.045) * opacity, opacity);
}
