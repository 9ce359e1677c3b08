#version 330 core
// What is held, as it is shown.

uniform sampler2D held;  // linear light

layout(location = 0) out vec4 colour;

void main() {
    vec4 c = texelFetch(held, ivec2(gl_FragCoord.xy), 0);
    colour = vec4(mix(c.rgb * 12.92, 1.055 * pow(c.rgb, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c.rgb)), c.a);
}
