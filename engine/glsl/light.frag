#version 330 core
// A light, that what is there is multiplied by.

uniform float light;

layout(location = 0) out vec4 colour;

void main() {
    colour = vec4(vec3(light), 1.0);
}
