#version 330 core
// The picture as it lies on what it is projected onto: in perspective, with clean edges.

uniform sampler2D picture;  // bilinear, clamped
uniform sampler2D mask;     // black hides; over the whole screen
uniform vec2 target_size;   // pixels
uniform mat3 from_screen;   // shares of the screen -> of the picture as it is seen, engine/output.py
uniform mat3 turn;          // -> of the picture as it was drawn
uniform vec4 soft;          // how much of the picture fades at its left, right, top and bottom edge
uniform float gamma;
uniform bool straight;      // pixels of the picture lie on pixels of the screen
uniform bool quick;         // one sample is enough: for machines without a GPU

layout(location = 0) out vec4 colour;

// Catmull-Rom: as sharp as the picture is, and the picture itself where pixels lie on pixels.
vec4 weights(float t) {
    return 0.5 * vec4(((2.0 - t) * t - 1.0) * t, (3.0 * t - 5.0) * t * t + 2.0, ((4.0 - 3.0 * t) * t + 1.0) * t,
                      (t - 1.0) * t * t);
}

vec3 sharp(vec2 place) {
    ivec2 last = textureSize(picture, 0) - 1;
    vec2 at = place * vec2(last + 1) - 0.5;
    ivec2 texel = ivec2(floor(at));
    vec4 x = weights(at.x - float(texel.x)), y = weights(at.y - float(texel.y));
    vec3 sum = vec3(0.0);
    for (int row = 0; row < 4; ++row) {
        for (int column = 0; column < 4; ++column) {
            ivec2 there = clamp(texel + ivec2(column - 1, row - 1), ivec2(0), last);
            sum += x[column] * y[row] * texelFetch(picture, there, 0).rgb;
        }
    }
    return clamp(sum, 0.0, 1.0);
}

// Where the picture is made smaller: the mean of what a pixel covers.
vec3 small(vec2 place, vec2 across, vec2 up, float texels) {
    const float most = 4.0;
    float count = min(ceil(texels), most);
    vec3 sum = vec3(0.0);
    for (float y = 0.5; y < count; y += 1.0) {
        for (float x = 0.5; x < count; x += 1.0) {
            sum += texture(picture, place + (x / count - 0.5) * across + (y / count - 0.5) * up).rgb;
        }
    }
    return sum / (count * count);
}

float faded(float edge, float width) {
    return width > 0.0 ? smoothstep(0.0, width, edge) : 1.0;
}

void main() {
    vec2 screen = gl_FragCoord.xy / target_size;
    vec3 seen = from_screen * vec3(screen, 1.0);
    colour = vec4(0.0, 0.0, 0.0, 1.0);
    if (seen.z <= 0.0) {
        return;
    }
    vec2 at = seen.xy / seen.z;
    vec2 across = (from_screen[0].xy - at * from_screen[0].z) / seen.z / target_size.x;  // to the next pixel
    vec2 up = (from_screen[1].xy - at * from_screen[1].z) / seen.z / target_size.y;
    vec2 slope = vec2(length(vec2(across.x, up.x)), length(vec2(across.y, up.y)));
    vec2 inside = clamp(min(at, 1.0 - at) / slope + 0.5, 0.0, 1.0);  // of a pixel
    float light = inside.x * inside.y * texture(mask, screen).r;
    if (light <= 0.0) {
        return;
    }
    light *= faded(at.x, soft.x) * faded(1.0 - at.x, soft.y) * faded(1.0 - at.y, soft.z) * faded(at.y, soft.w);
    vec2 size = vec2(textureSize(picture, 0));
    mat2 to_drawn = mat2(turn);
    vec2 place = (turn * vec3(at, 1.0)).xy;
    across = to_drawn * across;
    up = to_drawn * up;
    float texels = max(length(across * size), length(up * size));
    vec3 found;
    if (straight) {
        found = texelFetch(picture, ivec2(place * size), 0).rgb;
    } else if (quick) {
        found = texture(picture, place).rgb;
    } else {
        found = texels > 1.01 ? small(place, across, up, texels) : sharp(place);
    }
    colour.rgb = (gamma == 1.0 ? found : pow(found, vec3(1.0 / gamma))) * light;
}
