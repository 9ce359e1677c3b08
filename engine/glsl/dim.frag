#version 330 core
// A picture of the target's size, dimmed; at a light of 1 it is the same, bit for bit.

uniform sampler2D picture;
uniform float light;  // factor of its values

layout(location = 0) out vec4 colour;

void main() {
    vec4 c = texelFetch(picture, ivec2(gl_FragCoord.xy), 0);
    colour = vec4(c.rgb * light, c.a);
}
